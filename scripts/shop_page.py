#!/usr/bin/env python3
"""Draws docs/shop-page.svg: the demo's answers for one item, as a shop's page would show them.

    trolley demo                                          (in another terminal)
    python scripts/shop_page.py [ITEM] [API]              (866172, http://127.0.0.1:8080)

Items, order and reasons are those of the API. The API returns only IDs, so the names come from `trolley recommend`, run
in the current folder, which must contain the demo's model. TROLLEY names the binary if it is not target/debug/trolley.
Names are shown in another case and without the brand. The drawings stand for a shop's photographs. Needs only Python.
"""

import csv
import json
import os
import pathlib
import subprocess
import sys
import urllib.request
from html import escape

ROOT = pathlib.Path(__file__).resolve().parent.parent
WIDTH, HEIGHT = 900, 345
INK, GREY, LINE, SHADE, BUTTON = "#1f2328", "#59636e", "#d1d9e0", "#f6f8fa", "#0969da"

# 48 by 48 units; the first key that the name contains decides.
DRAWINGS = {
    "MARSHMALLOW": """<g fill="#fff" stroke="#b9a3a8" stroke-width="1.2">
        <path d="M21 8v13c0 2 4.5 4 10 4s10-2 10-4V8"/><ellipse cx="31" cy="8" rx="10" ry="4" fill="#fdf0f2"/>
        <path d="M6 24v14c0 2 4.5 4 10.5 4S27 40 27 38V24"/><ellipse cx="16.5" cy="24" rx="10.5" ry="4" fill="#fdf0f2"/>
        <path d="M27 29v12c0 1.8 4 3.5 8.5 3.5S44 42.8 44 41V29"/><ellipse cx="35.5" cy="29" rx="8.5" ry="3.5"
        fill="#fdf0f2"/></g>""",
    "CANDY BAR": """<rect x="11" y="3" width="26" height="24" rx="2" fill="#7b4a2d"/>
        <path d="M15 7h8v7h-8zM25 7h8v7h-8zM15 17h8v7h-8zM25 17h8v7h-8z" fill="#94603d"/>
        <path d="M9 23l4 3 4-3 4 3 4-3 4 3 4-3 4 3 2-1.5V45H9z" fill="#c9344c"/>
        <path d="M9 32h30v6H9z" fill="#f3c6ce"/>""",
    "MILK": """<path d="M14 15l5-9h10l5 9z" fill="#cfe3f7"/>
        <rect x="18" y="2" width="12" height="5" rx="1" fill="#3b82c4"/>
        <path d="M14 15h20v30H14z" fill="#e8f2fc" stroke="#a9c9e8"/><path d="M14 24h20v12H14z" fill="#3b82c4"/>
        <path d="M24 26.5c2.5 3 3.5 4 3.5 5.5a3.5 3.5 0 0 1-7 0c0-1.5 1-2.5 3.5-5.5z" fill="#fff"/>""",
    "GRAHAM": """<g stroke="#a9743a"><rect x="12" y="4" width="30" height="30" rx="3" fill="#d9a765"/>
        <rect x="6" y="13" width="30" height="30" rx="3" fill="#e7bb7d"/><path d="M21 13v30M6 28h30" fill="none"/></g>
        <g fill="#a9743a"><circle cx="11.5" cy="18.5" r="1.3"/><circle cx="16" cy="23" r="1.3"/>
        <circle cx="26" cy="18.5" r="1.3"/><circle cx="31" cy="23" r="1.3"/><circle cx="11.5" cy="33" r="1.3"/>
        <circle cx="16" cy="38" r="1.3"/><circle cx="26" cy="33" r="1.3"/><circle cx="31" cy="38" r="1.3"/></g>""",
    "BANANA": """
        <path d="M10 6c-1 3-1 4 0 6 1 16 11 27 26 28 3 .2 5-1 6-3-13-3-22-13-24-27 0-2-1-4-3-5z" fill="#f2c230"/>
        <path d="M10 12c1 16 11 27 26 28 3 .2 5-1 6-3-3 .5-5 .5-8-.5C21 33 13 24 10 12z" fill="#d9a31c"/>
        <path d="M10 6l1-3 4 1v2z" fill="#7a5a17"/>""",
    "BUNS": """<g stroke="#b97a35"><rect x="4" y="9" width="40" height="15" rx="7.5" fill="#dd9f55"/>
        <rect x="4" y="27" width="40" height="15" rx="7.5" fill="#dd9f55"/></g>
        <path d="M10 14h28M10 32h28" stroke="#f1cf9d" stroke-width="3" stroke-linecap="round"/>""",
    "": """<path d="M6 16l18-9 18 9v20l-18 9-18-9z" fill="#dcc19b"/><path d="M6 16l18 9 18-9-18-9z" fill="#ead7ba"/>
        <path d="M24 25v20" stroke="#b3946a"/>""",
}


def answer(api, question):
    with urllib.request.urlopen(f"{api}/v1/markets/us/items/{question}") as response:
        return json.load(response)["items"]


def names(question, item, rows):
    program = os.environ.get("TROLLEY", "target/debug/trolley")
    command = [program, "recommend", question, item, "--limit", str(rows), "--config", "config/demo.toml", "--csv"]
    table = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    return {row["item"]: row["name"] for row in csv.DictReader(table.splitlines())}


def readable(name):
    """`HOT DOG BUNS, Private, 11 OZ`: `Hot dog buns` and `11 OZ`."""
    kind, _, rest = name.partition(", ")
    return kind.capitalize(), " ".join(rest.partition(", ")[2].split())


def said(reason):
    """A reason's text, with `this` for the page's item, and the category in lower case."""
    text = reason["text"].replace(reason.get("name") or "\n", "this")
    category = reason.get("category")
    return text.replace(category, category.lower()) if category else text


def length(text, size):
    """Approximate width in DejaVu Sans, which is wider than most fonts."""
    def letter(one):
        return .34 if one in "iljft.,:;'|!()[] " else .92 if one in "mwMW%" else .70 if one.isupper() else .62
    return size * sum(map(letter, text))


def wrapped(text, size, width, most):
    lines = [""]
    for word in text.replace(" %", "\u00a0%").split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and length(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines if len(lines) <= most else lines[:most - 1] + [lines[most - 1] + " …"]


def text(x, y, size, content, fill=INK, weight="", anchor=""):
    more = (f' font-weight="{weight}"' if weight else "") + (f' text-anchor="{anchor}"' if anchor else "")
    return f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{fill}"{more}>{escape(content)}</text>'


def box(x, y, width, height, radius=8, fill="#fff", stroke=LINE):
    place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{radius}"'
    return f'<rect {place} fill="{fill}" stroke="{stroke}"/>'


def drawing(name, x, y, size):
    lines = next(svg for word, svg in DRAWINGS.items() if word in name).split("\n")
    svg = "".join(line.strip() + " " for line in lines).replace("> <", "><").strip()
    return f'<g transform="translate({x:g},{y:g}) scale({size / 48:.3g})">{svg}</g>'


def product(item, name):
    kind, size = readable(name)
    lines = wrapped(kind, 18, 150, 2)
    y = 196 + 21 * len(lines)
    return [
        box(24, 50, 146, 118, fill=SHADE),
        drawing(name, 55, 67, 84),
        *(text(24, 196 + 21 * at, 18, line, weight="600") for at, line in enumerate(lines)),
        text(24, y - 2, 12, size, GREY),
        box(24, y + 13, 146, 32, radius=6, fill=BUTTON, stroke=BUTTON),
        text(97, y + 33.5, 13, "Add to cart", "#fff", "600", "middle"),
        text(24, y + 67, 11, f"item {item}", GREY),
    ]


def tall_card(item, name, x, y, width, height):
    parts = [box(x, y, width, height), drawing(name, x + 9, y + 8, 40)]
    kind, size = readable(name)
    lines = wrapped(kind, 12, width - 14, 2)
    parts += [text(x + 9, y + 64 + 14 * at, 12, line, weight="600") for at, line in enumerate(lines)]
    parts.append(text(x + 9, y + 64 + 14 * len(lines), 10.5, size, GREY))
    y += 110
    for reason in item.get("reasons", [])[:2]:
        what, _, how_often = said(reason).partition(": ")
        lines = wrapped(what + ":" * bool(how_often), 10.5, width - 14, 2)
        parts += [text(x + 9, y + 12.5 * at, 10.5, line) for at, line in enumerate(lines)]
        y += 12.5 * len(lines)
        if how_often:
            parts.append(text(x + 9, y, 10.5, how_often, weight="600"))
            y += 12.5
    return parts


def flat_card(item, name, x, y, width, height):
    parts = [box(x, y, width, height), drawing(name, x + 9, y + 5, 22)]
    kind, size = readable(name)
    pieces = f"{item['quantity']} × " if item.get("quantity", 1) > 1 else ""
    parts.append(text(x + 37, y + 20, 12, wrapped(pieces + kind, 12, width - 85, 1)[0], weight="600"))
    parts.append(text(x + width - 9, y + 20, 10.5, size, GREY, anchor="end"))
    lines = [line for reason in item.get("reasons", [])[:1] for line in wrapped(said(reason), 10.5, width - 14, 3)]
    return parts + [text(x + 9, y + 39 + 12.5 * at, 10.5, line) for at, line in enumerate(lines)]


def row(title, y, height, items, name_of, card):
    left, right, gap = 194, WIDTH - 24, 8
    width = (right - left - gap * (len(items) - 1)) / len(items)
    parts = [text(left, y - 12, 14, title, weight="600")]
    for at, item in enumerate(items):
        parts += card(item, name_of[item["id"]], left + at * (width + gap), y, width, height)
    return parts


def main(item="866172", api="http://127.0.0.1:8080"):
    together = answer(api, f"{item}/bought-together?limit=6&explain=true")
    instead = answer(api, f"{item}/alternatives?limit=3&explain=true")
    name = next(reason["name"] for reason in instead[0]["reasons"] if reason.get("with") == item)
    parts = [
        box(.5, .5, WIDTH - 1, HEIGHT - 1, radius=10),
        f'<path d="M1 30.5V10a9 9 0 0 1 9-9h{WIDTH - 20}a9 9 0 0 1 9 9v20.5z" fill="{SHADE}"/>',
        f'<path d="M1 30.5h{WIDTH - 2}" stroke="{LINE}"/>',
        *(f'<circle cx="{x}" cy="15.5" r="4.5" fill="{LINE}"/>' for x in (20, 35, 50)),
        box(194, 6, 330, 19, radius=9, fill="#fff"),
        text(206, 19.5, 11, f"shop.example/items/{item}", GREY),
        *product(item, name),
        *row("Bought together", 66, 157, together, names("bought-together", item, 6), tall_card),
        *row("Out of stock? Alternatives", 257, 72, instead, names("alternatives", item, 3), flat_card),
    ]
    title = "A shop's product page: what is bought together with an item, what can replace it, and why"
    fonts = "-apple-system, BlinkMacSystemFont, 'Segoe UI', 'Noto Sans', Helvetica, Arial, sans-serif"
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{fonts}">\n'
    svg += f"<title>{title}</title>\n" + "\n".join(parts) + "\n</svg>\n"
    (ROOT / "docs/shop-page.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 3 or "--help" in sys.argv:
        sys.exit(__doc__)
    main(*sys.argv[1:])
