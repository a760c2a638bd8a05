#!/usr/bin/python3
"""./dev bench: cleave against ceilings measured in the same run.

Only ratios are reported: bare times say more about the machine than about the code. measure.py says
how they are taken. Writes build/bench/*.json and *.svg.
"""

import argparse
import contextlib
import pathlib
import tempfile

import fused
import split
from measure import say, tracked
from report import Report

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", action="store_true",
                        help="the split form behind NGINX, and live moves, instead")
    parser.add_argument("--build", default=ROOT / "build" / "release", type=pathlib.Path)
    parser.add_argument("--out", default=ROOT / "build" / "bench", type=pathlib.Path)
    parser.add_argument("--seconds", default=2, type=int, help="of each slice")
    parser.add_argument("--pairs", default=15, type=int, help="of slices for each ratio")
    parser.add_argument("--only", help="measure only the ratios whose name contains this")
    arguments = parser.parse_args()
    binary = str(arguments.build / "bin" / "cleave")
    report = Report()
    if tracked():
        say("connection tracking is on (rules of a firewall, or left by a Docker Engine):\n"
            "ratios of TCP to unix sockets come out lower; `iptables-save` shows the rules")
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cleave-")))
        folder.chmod(0o755)  # the embedded servers run as another user
        what = split if arguments.split else fused
        raw = what.bench(arguments, binary, folder, stack, report)
    report.print_table()
    if not arguments.only:
        report.write(arguments.out, what.__name__, raw)


if __name__ == "__main__":
    main()
