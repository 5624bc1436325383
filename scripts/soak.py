#!/usr/bin/env python3
"""Runs all attacks of docs/security.md at once against a service under legitimate load, and checks the effect.

    trolley demo --no-serve                 trains a model
    cargo build --release
    scripts/soak.py [--minutes 10] target/release/trolley

The legitimate load is 200 requests a second, one of them a push of stock, with a key of its own. It runs for a minute
without attacks, then for a fifth of the time with attacks on another service on the same machine, because attackers and
that service use the processors too, and then for the whole time with attacks on the service itself. At the end, p99
must be at most twice that with attacks on the other service, and memory at most 1.5 times that before the attacks. No
legitimate request may be refused or fail, and every acknowledged push must be stored.
"""

import argparse
import contextlib
import http.client
import itertools
import json
import multiprocessing
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MARKET = "/v1/markets/us"


def key(binary: str, name: str, scopes: str, more: str = "") -> tuple[str, str]:
    """A new key, and its lines for the config."""
    said = subprocess.run([binary, "key", "--scopes", scopes, "--name", name], capture_output=True, text=True, check=True)
    lines = [line.strip() for line in said.stdout.splitlines()]
    value = next(line for line in lines if len(line) == 64)
    return value, "\n".join(lines[lines.index("[[server.keys]]"):]) + f"\n{more}\n"


class Api:
    """Requests on one connection, made anew when it was closed."""

    def __init__(self, address: str, token: str | None):
        self.address, self.token, self.connection = address, token, None

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, bytes]:
        headers = {"content-type": "application/json"} if body is not None else {}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        for fresh in (False, True):
            if self.connection is None or fresh:
                self.connection = http.client.HTTPConnection(self.address, timeout=60)
            try:
                self.connection.request(method, path, body, headers)
                response = self.connection.getresponse()
                return response.status, response.read()
            except (OSError, http.client.HTTPException):
                self.connection = None
                if fresh:
                    raise


def honest(address: str, token: str, items: list[str], until: float, start: int, out: multiprocessing.Queue) -> None:
    """Sends 200 requests a second, one of them a push of stock. Returns the latencies and failures."""
    api, times, wrong, pushed = Api(address, token), [], [], start
    began = time.perf_counter()
    for number in itertools.count():
        due = began + number / 200
        time.sleep(max(0.0, due - time.perf_counter()))
        if time.time() > until:
            break
        try:
            if number % 200 == 100:
                body = {"updates": [{"item": f"soak-{pushed % 500}", "in_stock": True, "sequence": pushed}]}
                status, _ = api.ask("PUT", f"{MARKET}/stock", json.dumps(body))
                pushed += 1
            else:
                asked = time.perf_counter()
                item, customer = items[number % len(items)], 1 + number % 400
                status, _ = api.ask("GET", f"{MARKET}/items/{item}/bought-together?customer={customer}")
                times.append(time.perf_counter() - asked)
            if status != 200:
                wrong.append(status)
        except OSError as error:
            wrong.append(repr(error))
    out.put((times, wrong, pushed))


def attack(what) -> None:
    """Repeats an attack at low priority, as if it came from another machine with its own processors."""
    os.nice(15)
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            what()


def attacks(api: str, admin: str, tokens: dict[str, str], items: list[str]) -> dict:
    def silent():
        held = [socket.create_connection(tuple(admin.split(":"))) for _ in range(120)]
        for stream in held[::2]:
            stream.sendall(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n")
        time.sleep(3)

    def growing():
        row = random.choice(['{"":0}', "0", '{"id":"a","items":["b"]}'])
        body = '{"offers":[' + ",".join([row] * (20_000_000 // len(row))) + "]}"
        Api(api, tokens["push"]).ask("PUT", "/v1/markets/elsewhere/offers", body)
        Api(api, tokens["push"]).ask("PUT", f"{MARKET}/offers", body)
        time.sleep(2)

    def lists_customers():
        client = Api(api, tokens["page"])
        assert client.ask("GET", f"{MARKET}/offers/o1/audience")[0] == 403
        assert client.ask("GET", f"{MARKET}/items/{items[0]}/bought-together/why-not/{items[1]}?customer=1")[0] == 403
        time.sleep(0.1)

    def reads_nothing():
        stream = socket.create_connection(tuple(api.split(":")))
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        head = f"GET {MARKET}/offers/large/audience?limit=100000 HTTP/1.1\r\nhost: localhost\r\n"
        stream.sendall((head + f"authorization: Bearer {tokens['audience']}\r\n\r\n").encode() * 20)
        time.sleep(20)

    def long_carts():
        cart = {"items": random.sample(items, min(1000, len(items))), "exclude": [f"x{n}" for n in range(1000)]}
        Api(api, tokens["page"]).ask("POST", f"{MARKET}/bought-together", json.dumps({**cart, "explain": True}))
        time.sleep(0.05)

    def audiences():
        Api(api, tokens["audience"]).ask("GET", f"{MARKET}/offers/large/audience?limit=1000&explain=true")
        time.sleep(0.05)

    def invented_events():
        name = lambda: random.randbytes(16).hex()
        event = lambda: {"id": name(), "recommendation_id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "kind": "click", "item": "a"}
        body = json.dumps({"events": [event() for _ in range(4000)]})
        assert Api(api, tokens["events"]).ask("POST", f"{MARKET}/events", body)[0] in (422, 429, 503)
        time.sleep(1)

    def guesses():
        Api(api, random.randbytes(32).hex()).ask("GET", "/v1/markets")
        time.sleep(0.01)

    def locks_stock():
        body = {"updates": [{"item": f"lock-{random.randrange(1000)}", "in_stock": False, "sequence": 2**63 - 1}]}
        Api(api, tokens["push"]).ask("PUT", f"{MARKET}/stock", json.dumps(body))
        time.sleep(0.5)

    return {name: what for name, what in locals().items() if callable(what)}


def memory(process: subprocess.Popen) -> int:
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) << 10


def p99(times: list[float]) -> float:
    return sorted(times)[len(times) * 99 // 100] * 1e3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", help="trolley, built with --release")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--models", default=str(ROOT / "trolley-demo/models"), help="a folder with the market us")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tokens, lines = {}, []
        for name, scopes in [("honest", "recommend,push"), ("page", "recommend"), ("push", "push"),
                             ("audience", "audience"), ("events", "events")]:
            limit = "per_second = 200" if name == "page" else ""
            tokens[name], text = key(options.binary, name, scopes, limit)
            lines.append(text)
        services, addresses = [], []
        for number in (1, 2):
            api, admin = f"127.0.0.1:1818{number}", f"127.0.0.1:1919{number}"
            config = pathlib.Path(folder, f"trolley-{number}.toml")
            config.write_text(
                f'models = "{options.models}"\n[server]\nlisten = "{api}"\nadmin_listen = "{admin}"\n'
                f'state = "sqlite:{folder}/state-{number}.sqlite"\n' + "\n".join(lines)
            )
            services.append(subprocess.Popen([options.binary, "serve", "--config", str(config)], stderr=subprocess.DEVNULL))
            addresses.append((api, admin))
        try:
            return judge(services[0], addresses, tokens, options.minutes)
        finally:
            for service in services:
                service.terminate()
                service.wait()


def judge(process: subprocess.Popen, addresses: list, tokens: dict[str, str], minutes: float) -> int:
    (api, _), _ = addresses
    clients = [Api(address, tokens["honest"]) for address, _ in addresses]
    for client in clients:
        for _ in range(100):
            with contextlib.suppress(OSError):
                if client.ask("GET", "/health/ready")[0] == 200:
                    break
            time.sleep(0.1)
    client = clients[0]
    # Items that the model knows: those that it recommends, and what it recommends with them.
    items, ahead = [], ["1082185"]
    while ahead and len(items) < 300:
        item = ahead.pop(0)
        items.append(item)
        _, body = client.ask("GET", f"{MARKET}/items/{item}/bought-together?limit=50")
        ahead += [found["id"] for found in json.loads(body)["items"] if found["id"] not in items and found["id"] not in ahead]
    offers = [{"id": f"o{n}", "items": items[n::40]} for n in range(40)] + [{"id": "large", "items": items}]
    for each in clients:
        assert each.ask("PUT", f"{MARKET}/offers", json.dumps({"offers": offers}))[0] == 200

    def load(seconds: float, start: int):
        out = multiprocessing.Queue()
        worker = multiprocessing.Process(target=honest, args=(api, tokens["honest"], items, time.time() + seconds, start, out))
        worker.start()
        result = out.get()
        worker.join()
        return result

    def attacked(address: tuple[str, str], seconds: float, start: int):
        attackers = [multiprocessing.Process(target=attack, args=(what,), daemon=True)
                     for what in attacks(*address, tokens, items).values()]
        for attacker in attackers:
            attacker.start()
        result = load(seconds, start)
        for attacker in attackers:
            attacker.terminate()
        time.sleep(2)
        return result

    load(10, 1)
    quiet, wrong_before, pushed = load(60, 20)
    busy, wrong_busy, pushed = attacked(addresses[1], 12 * minutes, pushed)
    memory_before = memory(process)
    times, wrong, pushed = attacked(addresses[0], 60 * minutes, pushed)
    memory_after = memory(process)
    # An acknowledged push is stored if an update with the same sequence is not accepted.
    last = {f"soak-{n % 500}": n for n in range(20, pushed)}
    body = {"updates": [{"item": item, "in_stock": False, "sequence": n} for item, n in last.items()]}
    _, answer = client.ask("PUT", f"{MARKET}/stock", json.dumps(body))
    lost = json.loads(answer)["accepted"]
    rows = [
        ("p99 of answers, ms", p99(quiet), p99(busy), p99(times), p99(times) <= 2 * p99(busy)),
        ("memory, MB", memory_before / 1e6, memory_before / 1e6, memory_after / 1e6, memory_after <= 1.5 * memory_before),
        ("refused or failed", len(wrong_before), len(wrong_busy), len(wrong), not wrong),
        ("pushes lost", 0, 0, lost, lost == 0),
        ("alive", 1, 1, int(process.poll() is None), process.poll() is None),
    ]
    print(f"| of {len(times):,} questions and {pushed:,} pushes | quiet | another is attacked | attacked | holds |")
    print("| --- | --- | --- | --- | --- |")
    for what, before, beside, after, holds in rows:
        print(f"| {what} | {before:.2f} | {beside:.2f} | {after:.2f} | {'yes' if holds else 'NO'} |")
    if wrong:
        print("wrong:", {str(status): wrong.count(status) for status in set(wrong)})
    return 0 if all(holds for *_, holds in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
