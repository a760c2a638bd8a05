#!/usr/bin/python3
"""./dev bench: the fused host against ceilings measured in the same run.

Starts the release host with embedded servers, seeds it, and measures each route in turn with the
ceiling it is compared with, interleaved, several rounds; medians count. Only ratios are reported:
bare times say more about the machine than about the code. Writes build/bench/bench.json and .svg.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
LUA = ROOT / "lab" / "wrk"
ROWS = 10_000


def say(text):
    print(text, flush=True)


def run(argv, **kwargs):
    return subprocess.run(argv, check=True, text=True, capture_output=True, **kwargs).stdout


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def find(*names):
    """The first of these programs that exists; PostgreSQL's lie outside PATH on Debian."""
    for name in names:
        found = shutil.which(name)
        if found:
            return found
        for folder in sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
            if (folder / name).exists():
                return str(folder / name)
    sys.exit(f"bench: {names[0]} is not installed; run it through ./dev bench")


class Host:
    """A cleave process; its log goes to a file, its addresses come from the log."""

    def __init__(self, binary, folder, *arguments, **environment):
        self.log = folder / f"host-{time.monotonic_ns()}.log"
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [binary, "run", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0",
             "--log-format", "json", *arguments],
            stderr=open(self.log, "w"), env={**os.environ, **environment})
        self.address = self.admin = None
        while self.address is None:
            if self.process.poll() is not None:
                sys.exit("bench: the host ended:\n" + self.log.read_text())
            for line in self.log.read_text().splitlines():
                entry = json.loads(line) if line.startswith("{") else {}
                if entry.get("message") == "serving":
                    self.address = entry["address"].removeprefix("http://")
                    self.admin = entry["admin"]
            time.sleep(0.001)

    def pss_mib(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1)) / 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


class Nginx:
    """The ceiling for HTTP on this machine: `return 200`, nothing behind it."""

    def __init__(self, folder):
        self.port = free_port()
        body = '{"id":1,"name":"User 1","email":"user1@example.com","created_at":"2026-01-01"}'
        config = folder / "nginx.conf"
        config.write_text(f"""
daemon off; master_process on; worker_processes auto; pid {folder}/nginx.pid;
error_log {folder}/nginx.log; events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 100000000;
  server {{ listen 127.0.0.1:{self.port} backlog=4096; default_type application/json;
            location / {{ return 200 '{body}'; }} }} }}""")
        self.process = subprocess.Popen([find("nginx"), "-c", str(config)],
                                        stderr=subprocess.DEVNULL)
        wait_for_port(self.port)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


def wait_for_port(port):
    for _ in range(1000):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.01)
    sys.exit(f"bench: nothing listens on port {port}")


def wrk(address, path, script=None, connections=32, seconds=10):
    """Requests a second, p99 in ms, errors. One thread, as the whole machine has few cores."""
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency",
            f"http://{address}{path}"]
    if script:
        argv[1:1] = ["-s", str(LUA / script)]
    out = run(argv, env={**os.environ, "ROWS": str(ROWS)})
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", out).groups()
    p99 = float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]
    errors = sum(int(n) for n in re.findall(r"(?:connect|read|write|timeout) (\d+)", out))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    return {"rate": rate, "p99_ms": p99, "errors": errors + (int(bad.group(1)) if bad else 0)}


class Databases:
    """pgbench and redis-benchmark against the host's own embedded servers."""

    def __init__(self, data_dir, folder):
        self.folder = folder
        self.sockets = self.socket_dir(data_dir)
        self.select = folder / "select.sql"
        self.select.write_text(f"\\set id random(1, {ROWS})\n"
                               "SELECT id, name, email, version, created_at FROM users "
                               "WHERE id = :id;\n")
        self.insert = folder / "insert.sql"
        self.insert.write_text(
            f"\\set u random(1, {ROWS})\n"
            "INSERT INTO orders (user_id, product_id, quantity, unit_price_cents, total_cents) "
            "VALUES (:u, :u, 1, 100, 100);\n")

    @staticmethod
    def socket_dir(data_dir):
        lines = next(data_dir.rglob("postmaster.pid")).read_text().splitlines()
        return lines[4]

    def pgbench(self, database, script, clients, seconds):
        out = run([find("pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "1",
                   "-T", str(seconds), "-f", str(script), "-h", self.sockets,
                   "-U", f"{database}_app", database])
        return {"rate": float(re.search(r"tps = ([\d.]+)", out).group(1))}

    def redis_get(self, seconds):
        redis = pathlib.Path(self.sockets) / "redis.sock"
        out = run([find("redis-benchmark"), "-s", str(redis), "-t", "get", "-c", "32", "-n",
                   str(80_000 * seconds), "-q"])
        return {"rate": float(re.search(r"GET: ([\d.]+) requests", out.replace("\r", "\n"))
                              .group(1))}


def measure(cases, rounds):
    """All cases, one after the other, `rounds` times: what drifts, drifts for all."""
    results = {name: [] for name in cases}
    for number in range(rounds):
        for name, case in cases.items():
            results[name].append(case())
            got = results[name][-1]
            say(f"  round {number + 1}  {name:34} {got['rate']:10,.0f}/s"
                + (f"  {got['errors']} errors" if got.get("errors") else ""))
    return {name: {"rate": statistics.median(one["rate"] for one in all_rounds),
                   "p99_ms": statistics.median(one.get("p99_ms", 0) for one in all_rounds),
                   "errors": sum(one.get("errors", 0) for one in all_rounds),
                   "rounds": all_rounds}
            for name, all_rounds in results.items()}


def warm(address):
    """Fills the cache: every product once, and the list."""
    for path in ["/products"] + [f"/products/{i}" for i in range(1, ROWS + 1, 1)]:
        urllib.request.urlopen(f"http://{address}{path}").read()


def idle_connections(host, count, seconds):
    """p99 of GET /users/{id} before and with `count` idle keep-alive connections open."""
    before = wrk(host.address, "/users/1", "item.lua", seconds=seconds)
    name, port = host.address.split(":")
    request = b"GET /livez HTTP/1.1\r\nHost: bench\r\n\r\n"
    idle = []
    pss = host.pss_mib()
    try:
        for _ in range(count):
            one = socket.create_connection((name, int(port)))
            one.sendall(request)
            idle.append(one)
        for one in idle:
            one.recv(4096)
        grown = host.pss_mib() - pss
        during = wrk(host.address, "/users/1", "item.lua", seconds=seconds)
    finally:
        for one in idle:
            one.close()
    return {"before_p99_ms": before["p99_ms"], "with_p99_ms": during["p99_ms"],
            "kib_each": grown * 1024 / count, "errors": during["errors"]}


def start_time(binary, folder, data_dir, environment):
    """Process start to the first 200, with databases that are up already."""
    times = []
    for _ in range(5):
        port = free_port()
        began = time.monotonic()
        process = subprocess.Popen(
            [binary, "run", "--listen", f"127.0.0.1:{port}", "--admin-listen", "off",
             "--redis-url", "off", "--migrate", "false"],
            stderr=open(folder / "start.log", "w"), env={**os.environ, **environment})
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


def rows_of(results, extra):
    """The table: name, value, target, whether a higher value is better."""
    rate = {name: one["rate"] for name, one in results.items()}

    def ratio(name, ceiling):
        return rate[name] / rate[ceiling]

    rows = [
        ("GET /users/{id} / pgbench select", ratio("GET user", "pgbench select"), 1.1, True),
        ("GET /products/{id}, cached / redis GET", ratio("GET product", "redis GET"), 0.7, True),
        ("GET /products, cached / redis GET", ratio("GET products", "redis GET"), 0.55, True),
        ("POST /orders / pgbench insert", ratio("POST order", "pgbench insert"), 1.3, True),
        ("GET /orders?limit=100 / pgbench select", ratio("GET orders", "pgbench select"), 0.8,
         True),
        ("the same without shared reads", ratio("GET orders, unshared", "pgbench select"), 0.5,
         True),
    ]
    for name in ("GET user", "GET product", "GET products", "POST order", "GET orders"):
        rows.append((f"{name}: 1,000 connections / 32", ratio(name + " @1000", name), 0.8, True))
    rows += [
        ("errors at 1,000 connections",
         sum(one["errors"] for name, one in results.items() if "@1000" in name), 0, False),
        ("call between modules, ns", extra["call_ns"], 1000, False),
        ("start to first 200, ms", extra["start_ms"], 50, False),
        ("PSS of the host after the run, MiB", extra["pss_mib"], 20, False),
        ("10,000 idle connections: p99 with / before",
         extra["idle"]["with_p99_ms"] / extra["idle"]["before_p99_ms"], 1.1, False),
        ("KiB an idle connection", extra["idle"]["kib_each"], 4, False),
    ]
    return rows


def print_table(rows):
    say("")
    say(f"{'':44} {'measured':>9} {'goal':>9}")
    for name, value, goal, higher in rows:
        met = value >= goal if higher else value <= goal
        say(f"{name:44} {value:9.2f} {('>= ' if higher else '<= ') + format(goal, 'g'):>9}"
            f"  {'' if met else 'missed'}")


def plot(rows, path):
    import matplotlib
    matplotlib.use("svg")
    import matplotlib.pyplot as plt
    shown = [row for row in rows if row[3]][::-1]
    figure, axes = plt.subplots(figsize=(9, 5))
    axes.barh([row[0] for row in shown], [row[1] for row in shown], color="#3b6ea5")
    axes.plot([row[2] for row in shown], range(len(shown)), "|", color="#c0392b", markersize=22,
              markeredgewidth=2, label="goal")
    axes.set_xlabel("ratio to the ceiling measured in the same run (more is better)")
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=ROOT / "build" / "release", type=pathlib.Path)
    parser.add_argument("--out", default=ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--seconds", default=10, type=int, help="of each measurement")
    parser.add_argument("--rounds", default=3, type=int)
    parser.add_argument("--only", help="measure only the cases whose name contains this")
    arguments = parser.parse_args()
    binary = str(arguments.build / "bin" / "cleave")
    arguments.out.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cleave-")))
        folder.chmod(0o755)
        bench(arguments, binary, folder, stack)


def bench(arguments, binary, folder, stack):
    data = folder / "data"
    say("starting the host, seeding 10,000 users and products, 10,000 orders …")
    run([binary, "seed", "--data-dir", str(data), "--users", str(ROWS), "--products", str(ROWS),
         "--orders", str(ROWS)])
    host = Host(binary, folder, "--data-dir", str(data))
    stack.callback(host.stop)
    databases = Databases(data, folder)
    urls = {f"CLEAVE_{name.upper()}_DATABASE_URL":
            f"host={databases.sockets} dbname={name} user={name}_app"
            for name in ("user", "product", "order")}
    unshared = Host(binary, folder, "--share-reads", "false", "--redis-url", "off",
                    "--migrate", "false", **urls)
    stack.callback(unshared.stop)
    nginx = Nginx(folder)
    stack.callback(nginx.stop)
    warm(host.address)

    seconds = arguments.seconds
    routes = {"GET user": ("/users/1", "item.lua"), "GET product": ("/products/1", "item.lua"),
              "GET products": ("/products", None), "POST order": ("/orders", "order.lua"),
              "GET orders": ("/orders?limit=100", None)}
    cases = {
        "nginx return 200": lambda: wrk(f"127.0.0.1:{nginx.port}", "/", seconds=seconds),
        "redis GET": lambda: databases.redis_get(seconds),
        "pgbench select": lambda: databases.pgbench("user", databases.select, 8, seconds),
        "pgbench insert": lambda: databases.pgbench("order", databases.insert, 32, seconds),
    }
    for name, (path, script) in routes.items():
        for connections in (32, 1000):
            label = name if connections == 32 else name + " @1000"
            cases[label] = lambda path=path, script=script, connections=connections: wrk(
                host.address, path, script, connections, seconds)
    cases["GET orders, unshared"] = lambda: wrk(unshared.address, "/orders?limit=100",
                                                seconds=seconds)
    if arguments.only:
        cases = {name: case for name, case in cases.items() if arguments.only in name}
        measure(cases, arguments.rounds)
        return
    results = measure(cases, arguments.rounds)
    extra = {"pss_mib": host.pss_mib(),
             "idle": idle_connections(host, 10_000, seconds),
             "start_ms": start_time(binary, folder, data, urls),
             "call_ns": float(run([str(arguments.build / "bin" / "call_bench")]))}
    rows = rows_of(results, extra)
    print_table(rows)
    say(f"\nnginx return 200: {results['nginx return 200']['rate']:,.0f}/s on this machine "
        f"({os.cpu_count()} cores, load generator included)")
    (arguments.out / "bench.json").write_text(json.dumps(
        {"results": results, "extra": extra,
         "table": [dict(zip(("name", "value", "goal", "higher_is_better"), row)) for row in rows]},
        indent=1))
    plot(rows, arguments.out / "bench.svg")
    say(f"wrote {arguments.out}/bench.json and bench.svg")


if __name__ == "__main__":
    main()
