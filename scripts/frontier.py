#!/usr/bin/env python3
"""Draws docs/frontier.svg: scripts/frontier.py NAME=FILE.json ...

Each file is the output of `trolley evaluate --json` for one shop. The chart shows the hit rate against what is due to
the item, for each item focus that was tried on the validation weeks, for known customers. Needs only Python.
"""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
WIDTH, HEIGHT, LEFT, TOP, GAP = 260, 200, 60, 40, 50


def panel(name, tried, at):
    """One shop: an SVG group."""
    hits = [one["hit_rate"] for one in tried]
    due = [one["due_to_item"] for one in tried]

    def scale(values, low, high):
        least, most = min(values), max(values)
        spread = (most - least) or 1.0
        return [low + (value - least) / spread * (high - low) for value in values]

    x = scale(due, 20, WIDTH - 20)
    y = scale(hits, HEIGHT - 20, 20)
    left = LEFT + at * (WIDTH + GAP)
    parts = [f'<g transform="translate({left},{TOP})">', f'<text x="0" y="-14" font-weight="bold">{name}</text>']
    parts.append(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="none" stroke="#999"/>')
    parts.append('<polyline fill="none" stroke="#246" points="' + " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y)) + '"/>')
    for one, a, b in zip(tried, x, y):
        fill = "#c40" if one["chosen"] else "#246"
        parts.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4" fill="{fill}"/>')
        parts.append(f'<text x="{a + 6:.1f}" y="{b - 6:.1f}">{one["focus"]:g}</text>')
    for value, height in ((max(hits), 24), (min(hits), HEIGHT - 16)):
        parts.append(f'<text x="-6" y="{height}" text-anchor="end">{value:.3f}</text>')
    for value, where in ((min(due), 20), (max(due), WIDTH - 20)):
        parts.append(f'<text x="{where}" y="{HEIGHT + 16}" text-anchor="middle">{value:.4f}</text>')
    parts.append("</g>")
    return "\n".join(parts)


def main():
    shops = [argument.partition("=")[::2] for argument in sys.argv[1:]]
    if not shops or not all(file for _, file in shops):
        sys.exit(__doc__)
    panels = []
    for at, (name, file) in enumerate(shops):
        outcome = json.loads(pathlib.Path(file).read_text())
        panels.append(panel(name, outcome["evaluation"]["focuses"]["bought_together"], at))
    width = LEFT + len(shops) * (WIDTH + GAP)
    caption = "Hit rate (up) against what is due to the item (right), by item focus; red: chosen"
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT + 90}" font-family="sans-serif" font-size="12">\n'
    svg += '<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(panels)
    svg += f'\n<text x="{LEFT}" y="{HEIGHT + 80}">{caption}</text>\n</svg>\n'
    (ROOT / "docs/frontier.svg").write_text(svg)


if __name__ == "__main__":
    main()
