"""The fused host against the ceilings."""

import contextlib
import os
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time
import urllib.request

from measure import ROWS, compare, run, say, wrk
from programs import Databases, Host, Nginx, Redis, free_port

ROUTES = {"GET user": ("/users/1", "item.lua"), "GET product": ("/products/1", "item.lua"),
          "GET products": ("/products", None), "POST order": ("/orders", "order.lua"),
          "GET orders": ("/orders?limit=100", None)}


def warm(address):
    """Fills the cache: every product once, and the list."""
    for path in ["/products"] + [f"/products/{i}" for i in range(1, ROWS + 1)]:
        urllib.request.urlopen(f"http://{address}{path}").read()


@contextlib.contextmanager
def idle_connections(address, count):
    """`count` keep-alive connections that were answered once and say nothing more."""
    name, port = address.split(":")
    with contextlib.ExitStack() as opened:
        idle = [opened.enter_context(socket.create_connection((name, int(port))))
                for _ in range(count)]
        for one in idle:
            # Ends with a reset: a few times as many in TIME_WAIT would use up the ports.
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.sendall(b"GET /livez HTTP/1.1\r\nHost: bench\r\n\r\n")
        for one in idle:
            one.recv(4096)
        yield
    time.sleep(0.5)  # until the host has seen them go


def beside_idle_connections(host, count, seconds, pairs):
    """The p99 of GET /users/{id} beside `count` idle connections and without, in turn."""
    def ask():
        return wrk(host.address, "/users/1", "item.lua", seconds=seconds)

    def ask_beside():
        with idle_connections(host.address, count):
            return ask()

    pss = host.settled_pss_mib()
    with idle_connections(host.address, count):
        grown = host.settled_pss_mib() - pss
    result = compare(f"GET user's p99: {count:,} idle connections / none", ask_beside, ask, pairs,
                     of="p99_ms")
    return {**result, "kib_each": grown * 1024 / count}


def start_time(binary, folder, urls):
    """Process start to the first 200, with databases that are up already; ms."""
    times = []
    for _ in range(9):
        port = free_port()
        began = time.monotonic()
        process = subprocess.Popen(
            [binary, "run", "--listen", f"127.0.0.1:{port}", "--admin-listen", "off",
             "--redis-url", "off", "--migrate", "false"],
            stderr=open(folder / "start.log", "w"), env={**os.environ, **urls})
        while True:
            with contextlib.suppress(OSError):
                with socket.create_connection(("127.0.0.1", port)) as one:
                    one.sendall(b"GET /users/1 HTTP/1.1\r\nHost: bench\r\n\r\n")
                    if one.recv(4096).startswith(b"HTTP/1.1 200"):
                        break
            if process.poll() is not None or time.monotonic() - began > 10:
                sys.exit("bench: the host did not start:\n" + (folder / "start.log").read_text())
            time.sleep(0.001)
        times.append((time.monotonic() - began) * 1000)
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    return statistics.median(times)


def bench(arguments, binary, folder, stack, report):
    data = folder / "data"
    say("starting the host, seeding 10,000 users and products, 10,000 orders …")
    run([binary, "seed", "--data-dir", str(data), "--users", str(ROWS), "--products", str(ROWS),
         "--orders", str(ROWS)])
    host = Host(binary, folder, "--data-dir", str(data))
    stack.callback(host.stop)
    databases = Databases(data, folder)
    unshared = Host(binary, folder, "--share-reads", "false", "--redis-url", "off",
                    "--migrate", "false", "--threads", str(max(1, (os.cpu_count() or 2) // 2)),
                    **databases.urls())
    stack.callback(unshared.stop)
    nginx, redis = Nginx(folder), Redis(folder)
    stack.callback(nginx.stop)
    stack.callback(redis.stop)
    warm(host.address)

    seconds = arguments.seconds

    def ours(name, connections=32, of=host):
        path, script = ROUTES[name]
        return lambda: wrk(of.address, path, script, connections, seconds)

    def select():
        return databases.pgbench("user", databases.select, 8, seconds)

    def insert():
        return databases.pgbench("order", databases.insert, 32, seconds)

    def get():
        return redis.get(seconds)

    wanted = [
        ("GET /users/{id} / pgbench select", ours("GET user"), select, 1.1),
        ("GET /products/{id}, cached / redis-benchmark GET", ours("GET product"), get, 0.7),
        ("GET /products, cached / redis-benchmark GET", ours("GET products"), get, 0.55),
        ("POST /orders / pgbench insert", ours("POST order"), insert, 1.3),
        ("GET /orders?limit=100 / pgbench select", ours("GET orders"), select, 0.8),
        ("the same without shared reads", ours("GET orders", of=unshared), select, 0.5),
    ] + [(f"{name}: 1,000 connections / 32", ours(name, 1000), ours(name), 0.8)
         for name in ROUTES]
    say(f"\nmedian of {arguments.pairs} pairs of {seconds} s, and the middle half of them")
    raw = {}
    for name, case, ceiling, goal in wanted:
        if arguments.only and arguments.only not in name:
            continue
        raw[name] = compare(name, case, ceiling, arguments.pairs)
        report.at_least(name, raw[name]["ratio"], goal)
    if arguments.only:
        return raw
    report.at_most("errors at 1,000 connections",
                   sum(one["errors"] for name, one in raw.items() if "1,000" in name), 0)

    def ceiling(connections):
        return lambda: wrk(f"127.0.0.1:{nginx.port}", "/", None, connections, seconds)

    # What the load generator and the kernel alone lose by a thousand connections.
    name = "NGINX return 200: 1,000 connections / 32"
    raw[name] = compare(name, ceiling(1000), ceiling(32), arguments.pairs)
    report.for_comparison(name, raw[name]["ratio"])
    raw["call_ns"] = float(run([str(arguments.build / "bin" / "call_bench")]))
    report.at_most("call between modules, ns", raw["call_ns"], 1000)
    report.at_most("start to first 200, ms", start_time(binary, folder, databases.urls()), 50)
    report.at_most("PSS of the host after the run, MiB", host.settled_pss_mib(), 20)
    raw["idle"] = beside_idle_connections(host, 10_000, seconds, arguments.pairs)
    report.at_most("10,000 idle connections: p99 with / without", raw["idle"]["ratio"], 1.1)
    report.at_most("KiB an idle connection", raw["idle"]["kib_each"], 4)
    raw["nginx"] = wrk(f"127.0.0.1:{nginx.port}", "/", seconds=seconds)
    say(f"\nnginx return 200: {raw['nginx']['rate']:,.0f}/s on this machine "
        f"({os.cpu_count()} cores, load generator included)")
    return raw
