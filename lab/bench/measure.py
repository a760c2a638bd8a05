"""Load, and what is made of it: slices that are compared in pairs.

A machine's speed changes from second to second (neighbours on the same cores, frequency, a
checkpoint). A case and the ceiling it is compared with therefore run in short slices right after
each other, in turn first and second; each pair gives a ratio, and the median of the ratios counts.
"""

import contextlib
import os
import pathlib
import re
import socket
import statistics
import subprocess

LUA = pathlib.Path(__file__).resolve().parent.parent / "wrk"
ROWS = 10_000


def say(text):
    print(text, flush=True)


def tracked():
    """Whether TCP on loopback passes the kernel's connection tracking, as where a Docker Engine has
    run. The hosts and their load pay for it, pgbench on its unix socket does not."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), contextlib.suppress(OSError):
            return f"dport={port}" in pathlib.Path("/proc/net/nf_conntrack").read_text()
    return False


def run(argv, **kwargs):
    return subprocess.run(argv, check=True, text=True, capture_output=True, **kwargs).stdout


def wrk(address, path, script=None, connections=32, seconds=2):
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


def compare(name, case, ceiling, pairs, of="rate"):
    """`case` and `ceiling` return what wrk() does, and `of` in it counts. One line of progress."""
    cases, ceilings = [], []
    for number in range(pairs):
        steps = [(case, cases), (ceiling, ceilings)]
        for measure, into in steps if number % 2 == 0 else reversed(steps):
            into.append(measure())
    ratios = sorted(one[of] / other[of] for one, other in zip(cases, ceilings))
    result = {
        "ratio": statistics.median(ratios),
        "low": ratios[len(ratios) // 4],
        "high": ratios[-1 - len(ratios) // 4],
        "rate": statistics.median(one["rate"] for one in cases),
        "ceiling_rate": statistics.median(one["rate"] for one in ceilings),
        "errors": sum(one.get("errors", 0) for one in cases),
        "slices": {"case": cases, "ceiling": ceilings},
    }
    say(f"  {name:48} {result['ratio']:6.2f}  ({result['low']:.2f} to {result['high']:.2f})"
        + (f"  {result['errors']} errors" if result["errors"] else ""))
    return result
