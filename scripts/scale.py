#!/usr/bin/env python3
"""Trains synthetic shops of increasing size: scripts/scale.py [LINES:ITEMS:CUSTOMERS ...]

Prints a table of time and memory, counts how many planted pairs each model finds, and draws docs/scale.svg. Run
`cargo build --release` first, or name another binary in TROLLEY.
"""

import csv
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TROLLEY = os.environ.get("TROLLEY", str(ROOT / "target/release/trolley"))
SIZES = ["1000000:20000:20000", "3000000:33000:63000", "10000000:60000:200000"]
ASKED = 30


def measured(command, environment):
    """Runs a command. Returns seconds, processor seconds and peak memory in MiB."""
    began = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"failed: {' '.join(command)}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def found(folder, kind, question):
    """How many of a sample of planted pairs are among the model's six items."""
    with open(folder / "planted.csv", newline="") as file:
        pairs = [(row["item_id"], row["other_id"]) for row in csv.DictReader(file) if row["kind"] == kind]
    some = pairs[:: max(1, len(pairs) // ASKED)][:ASKED]
    hits = 0
    for item, other in some:
        command = [TROLLEY, "recommend", question, item, "--csv", "--config", str(folder / "shop.toml")]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        hits += any(other in row.values() for row in csv.DictReader(answer.splitlines()))
    return f"{hits} of {len(some)}"


def chart(rows):
    """Processor seconds and MiB by number of lines, on logarithmic scales."""
    width, height, left, bottom = 640, 300, 60, 40
    lines = [row[0] for row in rows]
    low, high = math.log10(min(lines)), math.log10(max(lines))
    x = lambda n: left + (math.log10(n) - low) / max(high - low, 1e-9) * (width - left - 130)
    values = [value for row in rows for value in (row[2], row[3])]
    bottom_of, top_of = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    y = lambda v: height - bottom - (math.log10(v) - bottom_of) / (top_of - bottom_of) * (height - bottom - 20)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    for power in range(bottom_of, top_of + 1):
        at = y(10**power)
        parts.append(f'<path d="M{left} {at:.1f}H{width - 130}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 6}" y="{at + 4:.1f}" text-anchor="end">{10**power:,}</text>')
    for n in lines:
        parts.append(f'<text x="{x(n):.1f}" y="{height - 20}" text-anchor="middle">{n / 1e6:,.0f} M</text>')
    for column, name, colour in ((2, "processor seconds", "#0b62a4"), (3, "MiB at most", "#c1440e")):
        points = " ".join(f"{x(row[0]):.1f},{y(row[column]):.1f}" for row in rows)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x(r[0]):.1f}" cy="{y(r[column]):.1f}" r="3" fill="{colour}"/>' for r in rows]
        parts.append(f'<text x="{width - 120}" y="{y(rows[-1][column]) + 4:.1f}" fill="{colour}">{name}</text>')
    parts.append(f'<text x="{(width - 70) / 2}" y="{height - 4}" text-anchor="middle">lines</text></svg>')
    (ROOT / "docs/scale.svg").write_text("\n".join(parts) + "\n")


def main():
    rows = []
    print("| lines | items | customers | s | processor s | MiB at most | complements found | substitutes found |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for size in sys.argv[1:] or SIZES:
        lines, items, customers = (int(number) for number in size.split(":"))
        with tempfile.TemporaryDirectory() as folder:
            shop = pathlib.Path(folder) / "shop"
            counts = ["--lines", str(lines), "--items", str(items), "--customers", str(customers)]
            subprocess.run([TROLLEY, "generate", str(shop), *counts], check=True, capture_output=True)
            environment = {**os.environ, "TROLLEY_TRAINING__EVALUATION__TEST_DAYS": "0"}
            wall, cpu, memory = measured([TROLLEY, "train", "--config", str(shop / "shop.toml")], environment)
            pairs = [found(shop, "complement", "bought-together"), found(shop, "substitute", "alternatives")]
        rows.append((lines, wall, cpu, memory))
        print(f"| {lines:,} | {items:,} | {customers:,} | {wall:,.0f} | {cpu:,.0f} | {memory:,.0f} | {' | '.join(pairs)} |", flush=True)
    if len(rows) > 1:
        chart(rows)


if __name__ == "__main__":
    main()
