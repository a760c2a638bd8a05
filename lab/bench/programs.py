"""The programs under measurement: our hosts, and the ceilings."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

from measure import ROWS, run


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port):
    for _ in range(1000):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.01)
    sys.exit(f"bench: nothing listens on port {port}")


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


def pss_mib(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1)) / 1024


class Host:
    """A cleave process; its log goes to a file, its addresses come from the log."""

    def __init__(self, binary, folder, *arguments, **environment):
        self.log = folder / f"host-{time.monotonic_ns()}.log"
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

    def settled_pss_mib(self):
        """Once it no longer falls: what a burst left is given back within seconds."""
        last = pss_mib(self.process.pid)
        for _ in range(20):
            time.sleep(1)
            now = pss_mib(self.process.pid)
            if abs(now - last) < 0.1:
                break
            last = now
        return now

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


class Nginx:
    """The ceilings for HTTP on this machine: `return 200`, and `proxy_pass` to it."""

    def __init__(self, folder):
        self.port, self.proxy = free_port(), free_port()
        body = '{"id":1,"name":"User 1","email":"user1@example.com","created_at":"2026-01-01"}'
        config = folder / "ceiling-nginx.conf"
        config.write_text(f"""
daemon off; master_process on; worker_processes auto; pid {folder}/ceiling-nginx.pid;
error_log {folder}/ceiling-nginx.log; events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 100000000;
  upstream behind {{ server 127.0.0.1:{self.port}; keepalive 64; }}
  server {{ listen 127.0.0.1:{self.port} backlog=4096; default_type application/json;
            location / {{ return 200 '{body}'; }} }}
  server {{ listen 127.0.0.1:{self.proxy} backlog=4096;
            location / {{ proxy_pass http://behind; proxy_http_version 1.1;
                          proxy_set_header Connection ""; }} }} }}""")
        self.process = subprocess.Popen([find("nginx"), "-c", str(config)],
                                        stderr=subprocess.DEVNULL)
        wait_for_port(self.proxy)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


class Redis:
    """`redis-benchmark -t get -c 32` as it comes: over TCP, as our own clients come."""

    def __init__(self, folder):
        self.port = free_port()
        self.process = subprocess.Popen(
            [find("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--dir", str(folder)],
            stdout=subprocess.DEVNULL)
        wait_for_port(self.port)
        self.rate = 50_000

    def get(self, seconds):
        """It takes a number of requests and no time, so the last rate is the guess."""
        out = run([find("redis-benchmark"), "-p", str(self.port), "-t", "get", "-c", "32", "-n",
                   str(int(self.rate * seconds)), "-q"])
        self.rate = float(re.search(r"GET: ([\d.]+) requests", out.replace("\r", "\n")).group(1))
        return {"rate": self.rate}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


class Databases:
    """pgbench against the host's own embedded PostgreSQL, on its unix socket."""

    def __init__(self, data_dir, folder):
        lines = next(data_dir.rglob("postmaster.pid")).read_text().splitlines()
        self.sockets = lines[4]
        self.select = folder / "select.sql"
        self.select.write_text(f"\\set id random(1, {ROWS})\n"
                               "SELECT id, name, email, version, created_at FROM users "
                               "WHERE id = :id;\n")
        self.insert = folder / "insert.sql"
        self.insert.write_text(
            f"\\set u random(1, {ROWS})\n"
            "INSERT INTO orders (user_id, product_id, quantity, unit_price_cents, total_cents) "
            "VALUES (:u, :u, 1, 100, 100);\n")

    def pgbench(self, database, script, clients, seconds):
        out = run([find("pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "1",
                   "-T", str(seconds), "-f", str(script), "-h", self.sockets,
                   "-U", f"{database}_owner", database])
        return {"rate": float(re.search(r"tps = ([\d.]+)", out).group(1))}

    def urls(self):
        """For a second host on the same databases."""
        return {f"CLEAVE_{name.upper()}_DATABASE_URL":
                f"host={self.sockets} dbname={name} user={name}_app"
                for name in ("user", "product", "order")}
