"""The split form behind NGINX against the fused host; and modules that move under load."""

import asyncio
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time

import load
from measure import ROWS, compare, run, say, wrk
from programs import Databases, Host, Nginx, pss_mib

MOVES = 20
RATE = 500


class Up:
    """`cleave up PARTITION`; knows its processes from the log."""

    def __init__(self, binary, folder, partition, *arguments):
        self.log = folder / f"up-{partition}.log"
        self.process = subprocess.Popen(
            [binary, "up", partition, "--listen", "127.0.0.1:0", "--log-format", "json",
             *arguments], stderr=open(self.log, "w"), env=os.environ)
        self.rows = {}
        while not self.rows:
            if self.process.poll() is not None:
                sys.exit("bench: cleave up ended:\n" + self.log.read_text())
            time.sleep(0.01)
            lines = [json.loads(line) for line in self.log.read_text().splitlines()
                     if line.startswith("{") and line.endswith("}")]
            ours = [entry for entry in lines if entry.get("component") == "up"]
            if any("front" in entry for entry in ours):
                self.rows = {entry["process"]: entry for entry in ours if "pid" in entry}
        self.address = self.rows["gateway"]["address"].removeprefix("http://")

    def hosts_pss_mib(self):
        return sum(pss_mib(row["pid"]) for name, row in self.rows.items() if name != "gateway")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(40)


def stored_orders(databases):
    """How many there are of each quantity, as PostgreSQL itself says."""
    out = run(["psql", "-h", databases.sockets, "-U", "order_app", "-d", "order", "-At", "-c",
               "SELECT quantity, count(*) FROM orders GROUP BY quantity"])
    return {int(quantity): int(count) for quantity, count in
            (line.split("|") for line in out.splitlines())}


def moves(binary, folder, stack):
    """Order leaves the fused host and comes back, MOVES times, under a constant load."""
    data = folder / "moves"
    token = {"CLEAVE_SERVICE_TOKEN": secrets.token_hex(16)}
    run([binary, "seed", "--data-dir", str(data), "--users", str(ROWS), "--products", str(ROWS),
         "--orders", "0"])
    here = Host(binary, folder, "--data-dir", str(data), **token)
    stack.callback(here.stop)
    databases = Databases(data, folder)
    urls = {f"CLEAVE_{name}_URL": f"http://{here.address}" for name in ("USER", "PRODUCT")}
    there = Host(binary, folder, "--modules", "order", "--redis-url", "off", "--migrate", "false",
                 **token, **urls,
                 CLEAVE_ORDER_DATABASE_URL=databases.urls()["CLEAVE_ORDER_DATABASE_URL"])
    stack.callback(there.stop)
    ledger = load.Ledger()
    host, port = here.address.split(":")
    made = load.requests(range(1, ROWS + 1), range(1, ROWS + 1))
    count = (MOVES + 4) * RATE  # a move a second, and some time before and after
    offering = threading.Thread(target=lambda: asyncio.run(
        load.offer(host, int(port), RATE, count, made, ledger)))
    offering.start()
    time.sleep(2)
    spans = []
    for number in range(MOVES):
        began = time.monotonic()
        run([binary, "move", "order", "here" if number % 2 else f"http://{there.address}",
             "--admin", here.admin], env={**os.environ, **token})
        spans.append((began, time.monotonic()))
        time.sleep(max(0.0, 1 - (time.monotonic() - began)))
    offering.join()
    during = [row[1] for row in ledger.rows if any(
        row[0] <= high and row[0] + row[1] / 1000 >= low for low, high in spans)]
    return {"summary": ledger.summary(), "moves": len(spans),
            "p99_during_ms": sorted(during)[int(0.99 * len(during))] if during else 0.0,
            "requests_during": len(during),
            "p99_ms": ledger.percentile(0.99),
            "move_ms": sorted((high - low) * 1000 for low, high in spans)[len(spans) // 2],
            **ledger.balance(stored_orders(databases))}


def bench(arguments, binary, folder, stack, report):
    say("starting the fused host and `cleave up split`, seeding 10,000 users and products …")
    for form in ("fused", "split"):
        run([binary, "seed", "--data-dir", str(folder / form), "--users", str(ROWS), "--products",
             str(ROWS), "--orders", "0"])
    fused = Host(binary, folder, "--data-dir", str(folder / "fused"))
    stack.callback(fused.stop)
    split = Up(binary, folder, "split", "--data-dir", str(folder / "split"))
    stack.callback(split.stop)
    nginx = Nginx(folder)
    stack.callback(nginx.stop)
    seconds = arguments.seconds

    def order(address):
        return lambda: wrk(address, "/orders", "order.lua", seconds=seconds)

    def user(address):
        return lambda: wrk(address, "/users/1", "item.lua", seconds=seconds)

    say(f"\nmedian of {arguments.pairs} pairs of {seconds} s, and the middle half of them")
    raw = {}
    for name, case, ceiling, goal in [
            ("POST /orders, split behind NGINX / fused", order(split.address),
             order(fused.address), 0.55),
            ("GET /users/{id}, split / NGINX proxy_pass", user(split.address),
             user(f"127.0.0.1:{nginx.proxy}"), 0.75)]:
        raw[name] = compare(name, case, ceiling, arguments.pairs)
        report.at_least(name, raw[name]["ratio"], goal)
    report.at_most("errors", sum(one["errors"] for one in raw.values()), 0)
    time.sleep(5)  # what the load left is given back
    raw["hosts_pss_mib"] = split.hosts_pss_mib()
    report.at_most("PSS of the three hosts, MiB", raw["hosts_pss_mib"], 45)
    say(f"  {MOVES} moves of order at {RATE} requests/s …")
    raw["moves"] = moved = moves(binary, folder, stack)
    report.at_most("live moves: requests that failed", moved["summary"]["failed"], 0)
    report.at_most("live moves: requests that were sent again", moved["summary"]["resent"], 0)
    report.at_most("live moves: orders lost, doubled or of nobody",
                   moved["lost"] + moved["doubled"] + moved["phantom"], 0)
    report.at_most("live moves: p99 during a move, ms", moved["p99_during_ms"], 50)
    say(f"  a move took {moved['move_ms']:.0f} ms; {moved['requests_during']} requests in them; "
        f"p99 of the whole run {moved['p99_ms']:.1f} ms")
    return raw
