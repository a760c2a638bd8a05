#!/usr/bin/python3
"""A picture of a running system: picture.py up PARTITION OUT.svg, or picture.py compose OUT.svg

`up` starts the system on this machine, sends it an order, and asks: each host where its modules are
(GET /placement), PostgreSQL who is connected, each host whether it has a cache. `compose` asks
Docker about the containers of the project that runs (COMPOSE_PROJECT_NAME, else cleave): their
environment, their networks. Nothing is drawn that was not found.
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from xml.sax.saxutils import escape

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLUMNS = {"client": 0, "gateway": 1, "host": 2, "database": 3, "cache": 3}
COLOURS = {"client": "#ffffff", "gateway": "#e8eef7", "host": "#fdf3e1", "database": "#e9f4ea",
           "cache": "#f9e7e5"}


class Topology:
    def __init__(self, title):
        self.title, self.boxes, self.edges = title, {}, []

    def box(self, name, kind, *lines, rooms=()):
        self.boxes[name] = {"kind": kind, "lines": list(lines), "rooms": list(rooms)}

    def edge(self, source, target, label):
        if (source, target, label) not in self.edges:
            self.edges.append((source, target, label))


def run(*argv):
    return subprocess.run(argv, check=True, text=True, capture_output=True).stdout


# --- a system of `cleave up` ---------------------------------------------------------------------

class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=5)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def ask(address, path, method="GET", body=None):
    address = address.removeprefix("http://")
    connection = (UnixConnection(address[5:]) if address.startswith("unix:")
                  else http.client.HTTPConnection(address, timeout=5))
    with contextlib.closing(connection):
        headers = {"Content-Type": "application/json"} if body else {}
        connection.request(method, path, body and json.dumps(body), headers)
        return connection.getresponse().read().decode()


def start(binary, arguments, log):
    process = subprocess.Popen([binary, "up", *arguments, "--listen", "127.0.0.1:0",
                                "--log-format", "json"], stderr=open(log, "w"))
    while True:
        lines = [json.loads(line) for line in log.read_text().splitlines()
                 if line.startswith("{") and line.endswith("}")]
        ours = [line for line in lines if line.get("component") == "up"]
        front = [line["front"] for line in ours if "front" in line]
        if front:
            return process, front[0], [line for line in ours if "pid" in line]
        if process.poll() is not None:
            sys.exit("picture: cleave up ended:\n" + log.read_text())
        time.sleep(0.05)


def write_something(front):
    user = json.loads(ask(front, "/users", "POST", {"name": "Ada", "email": "ada@example.com"}))
    product = json.loads(ask(front, "/products", "POST", {"name": "Lamp", "price_cents": 1999}))
    ask(front, f"/products/{product['id']}")
    ask(front, "/orders", "POST", {"user_id": user["id"], "product_id": product["id"]})


def connected_databases(data):
    """{module: database}, of the connections that are open."""
    sockets = next(data.rglob("postmaster.pid")).read_text().splitlines()[4]
    rows = run("psql", "-h", sockets, "-U", "postgres", "-At", "-F", " ", "-c",
               "SELECT DISTINCT application_name, datname FROM pg_stat_activity "
               "WHERE application_name LIKE 'cleave-%'", "postgres").split()
    return {name.removeprefix("cleave-"): database
            for name, database in zip(rows[::2], rows[1::2])}


def of_up(binary, arguments, title):
    topology = Topology(title)
    with tempfile.TemporaryDirectory(prefix="cleave-") as folder:
        os.chmod(folder, 0o755)
        data = pathlib.Path(folder) / "data"
        process, front, rows = start(binary, [*arguments, "--data-dir", str(data)],
                                     pathlib.Path(folder) / "log")
        try:
            write_something(front)
            draw_up(topology, rows, front, connected_databases(data))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    return topology


def draw_up(topology, rows, front, databases):
    topology.box("client", "client", "http://127.0.0.1:8080")
    hosts = {row["address"]: row for row in rows if row["process"] != "gateway"}
    entry = "gateway" if len(hosts) < len(rows) else rows[0]["process"]
    if entry == "gateway":
        topology.box("gateway", "gateway", "NGINX")
    topology.edge("client", entry, "HTTP")
    for address, row in hosts.items():
        name = row["process"]
        modules = json.loads(ask(row["admin"], "/placement"))
        places = {one["module"]: one["place"] for one in modules}
        inside = [module for module, place in places.items() if place == "here"]
        guarded = [module for module, place in places.items() if place.startswith("guarded")]
        topology.box(name, "host", "one process", rooms=inside)
        if entry == "gateway":
            topology.edge("gateway", name, "HTTP")
        for module in guarded:
            topology.box(f"{module}, guarded", "host", "a process of its own", rooms=[module])
            topology.edge(name, f"{module}, guarded", "HTTP")
        for module, place in places.items():
            if place in hosts and hosts[place]["process"] != name:
                topology.edge(name, hosts[place]["process"], "HTTP")
        for module in inside + guarded:
            if module in databases:
                topology.box(databases[module] + " database", "database", "PostgreSQL")
                topology.edge(name if module in inside else f"{module}, guarded",
                              databases[module] + " database", "")
        if re.search(r"^cleave_redis_up [1-9]", ask(row["admin"], "/metrics"), re.M):
            topology.box("cache", "cache", "Redis")
            topology.edge(name, "cache", "")


# --- containers ----------------------------------------------------------------------------------

def of_compose(title):
    project = os.environ.get("COMPOSE_PROJECT_NAME", "cleave")
    ids = run("docker", "ps", "-q", "--filter",
              f"label=com.docker.compose.project={project}").split()
    if not ids:
        sys.exit(f"picture: no container of the project {project} runs; docker compose up -d")
    topology = Topology(title)
    topology.box("client", "client", "http://localhost:8080")
    found = {one["Config"]["Labels"]["com.docker.compose.service"]: one
             for one in json.loads(run("docker", "inspect", *ids))}
    networks = {name: set(one["NetworkSettings"]["Networks"]) for name, one in found.items()}
    for name, one in sorted(found.items()):
        environment = dict(pair.split("=", 1) for pair in one["Config"]["Env"] if "=" in pair)
        if one["NetworkSettings"].get("Ports") and any(one["NetworkSettings"]["Ports"].values()):
            topology.box(name, "gateway", "NGINX, the only port")
            topology.edge("client", name, "HTTP")
        elif "CLEAVE_MODULES" in environment:
            topology.box(name, "host", "a container",
                         rooms=environment["CLEAVE_MODULES"].split(","))
            for key, value in environment.items():
                peer = value.removeprefix("http://").split(":")[0]
                if key.endswith("_URL") and peer in found:
                    topology.edge(name, peer, "HTTP")
        else:
            topology.box(name, "cache" if name == "redis" else "database",
                         "Redis" if name == "redis" else "PostgreSQL")
    kinds = {name: box["kind"] for name, box in topology.boxes.items()}
    for one in found:
        for other in found:
            shared = networks[one] & networks[other]
            if kinds[one] == "gateway" and kinds[other] == "host" and shared:
                topology.edge(one, other, "HTTP")
            if kinds[one] == "host" and kinds[other] in ("database", "cache") and shared:
                topology.edge(one, other, "")
    return topology


# --- drawing -------------------------------------------------------------------------------------

WIDTH, GAP_X, GAP_Y, TOP = 190, 90, 26, 56


def height_of(box):
    return 44 + 16 * len(box["lines"]) + 30 * len(box["rooms"])


def place(topology):
    """x, y, height of each box: columns by kind, each centred."""
    used = sorted({COLUMNS[box["kind"]] for box in topology.boxes.values()})
    heights = {column: sum(height_of(box) + GAP_Y for box in topology.boxes.values()
                           if COLUMNS[box["kind"]] == column) - GAP_Y for column in used}
    tallest = max(heights.values())
    spots = {}
    for index, column in enumerate(used):
        y = TOP + (tallest - heights[column]) / 2
        for name, box in topology.boxes.items():
            if COLUMNS[box["kind"]] != column:
                continue
            spots[name] = (20 + index * (WIDTH + GAP_X), y, height_of(box))
            y += height_of(box) + GAP_Y
    return spots, 40 + len(used) * (WIDTH + GAP_X) - GAP_X, TOP + tallest + 24


def arrow(spots, source, target, label):
    x1, y1, h1 = spots[source]
    x2, y2, h2 = spots[target]
    if x1 == x2:  # in one column: around the right side
        start, end, bend = (x1 + WIDTH, y1 + h1 / 2), (x2 + WIDTH, y2 + h2 / 2), 46
        path = (f"M{start[0]},{start[1]} C{start[0] + bend},{start[1]} {end[0] + bend},{end[1]} "
                f"{end[0]},{end[1]}")
        spot = (start[0] + 38, (start[1] + end[1]) / 2)
    else:
        start, end = (x1 + WIDTH, y1 + h1 / 2), (x2, y2 + h2 / 2)
        middle = (start[0] + end[0]) / 2
        path = (f"M{start[0]},{start[1]} C{middle},{start[1]} {middle},{end[1]} "
                f"{end[0] - 2},{end[1]}")
        spot = (middle, (start[1] + end[1]) / 2 - 5)
    text = (f'<text x="{spot[0]}" y="{spot[1]}" class="label">{escape(label)}</text>'
            if label else "")
    return f'<path d="{path}" class="edge" marker-end="url(#tip)"/>{text}'


def svg(topology):
    spots, width, height = place(topology)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" '
           f'width="{width}" height="{height:.0f}" font-family="sans-serif" role="img">',
           f"<title>{escape(topology.title)}</title>",
           '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
           'markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#555"/></marker>'
           "<style>.edge{fill:none;stroke:#555;stroke-width:1.4}.label{font-size:11px;"
           "fill:#555;text-anchor:middle}.name{font-size:14px;font-weight:bold}"
           ".line{font-size:11px;fill:#444}.room{font-size:13px;text-anchor:middle}</style></defs>",
           '<rect width="100%" height="100%" fill="#ffffff"/>',
           f'<text x="20" y="32" font-size="18">{escape(topology.title)}</text>']
    out += [arrow(spots, *edge) for edge in topology.edges]
    for name, box in topology.boxes.items():
        x, y, tall = spots[name]
        out.append(f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{tall}" rx="8" '
                   f'fill="{COLOURS[box["kind"]]}" stroke="#333"/>')
        out.append(f'<text x="{x + 12}" y="{y + 22}" class="name">{escape(name)}</text>')
        y += 38
        for line in box["lines"]:
            out.append(f'<text x="{x + 12}" y="{y}" class="line">{escape(line)}</text>')
            y += 16
        for room in box["rooms"]:
            out.append(f'<rect x="{x + 12}" y="{y - 8}" width="{WIDTH - 24}" height="24" rx="4" '
                       f'fill="#fff" stroke="#999"/><text x="{x + WIDTH / 2}" y="{y + 9}" '
                       f'class="room">{escape(room)}</text>')
            y += 30
    return "\n".join(out + ["</svg>"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("form", choices=["up", "compose"])
    parser.add_argument("arguments", nargs="+", metavar="PARTITION|OUT.svg")
    parser.add_argument("--guard", help="modules in processes of their own")
    parser.add_argument("--title")
    parser.add_argument("--cleave", default=ROOT / "build/release/bin/cleave")
    given = parser.parse_args()
    *partition, out = given.arguments
    if given.form == "up":
        arguments = [*partition, *(["--guard", given.guard] if given.guard else [])]
        topology = of_up(str(given.cleave), arguments,
                         given.title or "cleave up " + " ".join(arguments))
    else:
        topology = of_compose(given.title or "docker compose up")
    pathlib.Path(out).write_text(svg(topology), encoding="utf-8")
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
