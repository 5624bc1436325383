#!/usr/bin/env python3
"""Counts the instructions of the hot kernels with callgrind, and compares them with scripts/instructions.json.

    scripts/instructions.py           fails if the count of a kernel has grown by more than 5 %
    scripts/instructions.py --write   stores the current counts; say why in the changelog

The counts do not depend on the load of the machine. Valgrind supports AVX2 but not AVX-512, so the AVX2 versions are
counted.
"""

import json
import pathlib
import re
import subprocess
import sys

HOME = pathlib.Path(__file__).resolve().parent.parent
KEPT = HOME / "scripts/instructions.json"
TIMES = 200
LIMIT = 1.05


def program():
    command = ["cargo", "build", "--workspace", "--bench", "instructions", "--message-format=json-render-diagnostics"]
    built = subprocess.run(command, cwd=HOME, check=True, stdout=subprocess.PIPE, text=True).stdout
    artifacts = [json.loads(line) for line in built.splitlines()]
    return next(a["executable"] for a in artifacts if a.get("target", {}).get("name") == "instructions")


def instructions(path, kernel, times):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", path, kernel, str(times)]
    said = subprocess.run(command, check=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True).stderr
    return int(re.search(r"Collected : (\d+)", said)[1])


def main():
    compiler = subprocess.run(["rustc", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    path = program()
    kernels = subprocess.run([path], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    # The instructions of the start are in both counts.
    counts = {k: round((instructions(path, k, TIMES) - instructions(path, k, 0)) / TIMES) for k in kernels}
    if "--write" in sys.argv:
        KEPT.write_text(json.dumps({"compiler": compiler, "kernels": counts}, indent=2) + "\n")
    kept = json.loads(KEPT.read_text())
    comparable = kept["compiler"] == compiler and "avx2" in pathlib.Path("/proc/cpuinfo").read_text()
    kept = kept["kernels"]
    grown = [k for k in kernels if counts[k] > LIMIT * kept.get(k, 0)]
    for kernel in kernels:
        print(f"{kernel:14}{counts[kernel]:8}  kept {kept.get(kernel, 0):8}  {'GROWN' if kernel in grown else ''}")
    if not comparable:
        sys.exit(print("another compiler or processor: the counts are not compared"))
    sys.exit(f"more instructions than are kept in {KEPT.name}: {', '.join(grown)}" if grown else 0)


if __name__ == "__main__":
    main()
