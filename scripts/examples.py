#!/usr/bin/env python3
"""Updates the examples of the API's description in src/api/examples with the answers of a running demo.

    trolley demo                                  (in another terminal)
    python scripts/examples.py http://127.0.0.1:8080 http://127.0.0.1:9090

The requests are sent in the order of the description, because pushes change later answers. The last ones put a model
into service and erase a customer of the demo. Version, recommendation ID and creation time are those of the examples.
"""

import json
import pathlib
import re
import sys
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).parent.parent / "src" / "api"
VERSION, ANSWER = "2026-11-20t04-00-00z", "3b6f1c62-9a54-4f1e-8f0e-3d6c1a2b4c5d"


def main(api: str, admin: str) -> None:
    names = re.findall(r'^    "(\w+)",$', (ROOT / "document.rs").read_text(), re.MULTILINE)
    with urllib.request.urlopen(f"{admin}/v1/markets/us/models") as answer:
        version = json.load(answer)["in_service"]
    last = ANSWER
    for name in names:
        file = ROOT / "examples" / f"{name}.json"
        example = json.loads(file.read_text())
        method, path = example["ask"].split(" ", 1)
        body = json.dumps(example["body"]).replace(VERSION, version).replace(ANSWER, last) if "body" in example else ""
        body = body.encode() or None
        request = urllib.request.Request(api + path, body, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request) as response:
            text = response.read().decode().replace(version, VERSION)
        answer = json.loads(text)
        if "recommendation_id" in answer:
            last, answer["recommendation_id"] = answer["recommendation_id"], ANSWER
        for market in answer.get("markets", []):
            market["created_at"] = "2026-11-20T04:00:00Z"
        file.write_text(json.dumps({**example, "answer": answer}, indent=2, ensure_ascii=False) + "\n")
        print(name)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
