#!/usr/bin/python3
"""Constant-rate load with a ledger: load.py http://127.0.0.1:8080 --rate 500 --count 10000

Open loop: request number n leaves at n/rate whatever became of the others, and its time counts from
when it should have left, so a stall is not hidden by the requests that were never sent. Nothing is
retried but what every HTTP client sends again: what may be sent twice, on a kept connection that
closed before the first byte of an answer (RFC 9110, 9.2.2; it is counted as "resent"). A request
fails when it has no whole 2xx answer. Nine of ten read a user or a product; the tenth orders a
quantity of its own, every other time with an Idempotency-Key. Without one it must not be sent
twice, and so has a connection of its own. --ledger writes one line a request, "quantity status";
compare its 201s with the table of orders. Exit code 1 when a request failed.
"""

import argparse
import asyncio
import json
import random
import sys
import time
import uuid


class Ledger:
    """What was asked and what was answered."""

    def __init__(self):
        self.rows = []  # (when it should have left, ms, status or error, quantity or None)
        self.resent = 0
        self.connections = 0  # the most that were open at once
        self.in_flight = 0  # the most requests that were on their way at once

    def add(self, due, status, quantity):
        self.rows.append((due, (time.monotonic() - due) * 1000, status, quantity))

    def failed(self):
        return [row for row in self.rows if not (isinstance(row[2], int) and row[2] < 300)]

    def percentile(self, share, since=0.0, until=float("inf")):
        times = sorted(row[1] for row in self.rows if since <= row[0] <= until)
        return times[min(len(times) - 1, int(share * len(times)))] if times else 0.0

    def balance(self, stored):
        """Against how many orders of each quantity there are. One whose answer says nothing of its
        fate, or that has none, may be there, once."""
        told = {row[3]: row[2] for row in self.rows if row[3]}
        acknowledged = {quantity for quantity, status in told.items() if status == 201}
        unsure = {quantity for quantity, status in told.items()
                  if not isinstance(status, int) or status >= 500}
        return {"lost": len(acknowledged - stored.keys()),
                "doubled": sum(count - 1 for count in stored.values()),
                "phantom": len(stored.keys() - acknowledged - unsure)}

    def summary(self):
        statuses = {}
        for row in self.rows:
            statuses[str(row[2])] = statuses.get(str(row[2]), 0) + 1
        return {"requests": len(self.rows), "failed": len(self.failed()),
                "resent": self.resent, "connections": self.connections, "in_flight": self.in_flight,
                "statuses": statuses,
                "p50_ms": round(self.percentile(0.5), 2), "p99_ms": round(self.percentile(0.99), 2),
                "max_ms": round(self.percentile(1.0), 2)}


class Connections:
    """As many as there are requests on their way, and few more: whatever stands between us and the
    server may count them. Docker's port proxy ends for good when it has no file left to open."""

    def __init__(self, host, port, ledger):
        self.host, self.port, self.ledger, self.idle, self.open = host, port, ledger, [], set()

    async def connect(self):
        reader, writer = await asyncio.open_connection(self.host, self.port)
        self.open.add(writer)
        self.ledger.connections = max(self.ledger.connections, len(self.open))
        return reader, writer

    def close(self, writer):
        self.open.discard(writer)
        writer.close()

    async def take(self, repeatable):
        """A connection, and whether it has served before."""
        while self.idle and repeatable:
            reader, writer = self.idle.pop()
            if not reader.at_eof():
                return reader, writer, True
            self.close(writer)
        return *await self.connect(), False

    async def ask(self, request, repeatable):
        reader, writer, kept = await self.take(repeatable)
        try:
            writer.write(request)
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (ConnectionError, asyncio.IncompleteReadError) as closed:
                if not kept or getattr(closed, "partial", b""):
                    raise
                self.ledger.resent += 1
                self.close(writer)
                reader, writer = await self.connect()
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
            head = head.decode("latin-1").lower()
            status = int(head.split(" ", 2)[1])
            length = int(head.split("content-length:", 1)[1].split("\r\n", 1)[0])
            await reader.readexactly(length)
        except BaseException:
            self.close(writer)
            raise
        if "connection: close" in head or not repeatable:
            self.close(writer)
        else:
            self.idle.append((reader, writer))
        return status


def requests(users, products):
    """Endless: the bytes, whether they may be sent twice, and the quantity of an order."""
    dice = random.Random(1)
    number = 0
    while True:
        number += 1
        user, product = dice.choice(users), dice.choice(products)
        if number % 10:
            path = f"/users/{user}" if number % 2 else f"/products/{product}"
            yield f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(), True, None
            continue
        keyed = number % 20 == 0
        key = f"Idempotency-Key: {uuid.uuid4()}\r\n" if keyed else ""
        body = json.dumps({"user_id": user, "product_id": product, "quantity": number})
        yield (f"POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
               f"{key}Content-Length: {len(body)}\r\n\r\n{body}").encode(), keyed, number


async def offer(host, port, rate, count, made, ledger, timeout=10.0):
    """Sends what `made` yields; returns when each request has its line in the ledger."""
    connections = Connections(host, port, ledger)
    start = time.monotonic() + 0.05

    async def one(due, request, repeatable, quantity):
        try:
            status = await asyncio.wait_for(connections.ask(request, repeatable), timeout)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, ValueError,
                IndexError) as error:
            status = type(error).__name__
        ledger.add(due, status, quantity)

    tasks = set()
    for number in range(count):
        due = start + number / rate
        pause = due - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
        task = asyncio.create_task(one(due, *next(made)))
        tasks.add(task)
        ledger.in_flight = max(ledger.in_flight, len(tasks))
        task.add_done_callback(tasks.discard)
    while tasks:
        await asyncio.gather(*tasks)
    for _, writer in connections.idle:
        writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--rate", type=float, default=500)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=100, help="users and products 1 to ROWS exist")
    parser.add_argument("--user", type=int, help="ask for this one only")
    parser.add_argument("--product", type=int, help="ask for this one only")
    parser.add_argument("--ledger")
    arguments = parser.parse_args()
    host, _, port = arguments.url.removeprefix("http://").partition(":")
    ledger = Ledger()
    every = range(1, arguments.rows + 1)
    made = requests([arguments.user] if arguments.user else every,
                    [arguments.product] if arguments.product else every)
    asyncio.run(offer(host, int(port or 80), arguments.rate, arguments.count, made, ledger))
    if arguments.ledger:
        with open(arguments.ledger, "w", encoding="utf-8") as out:
            for _, _, status, quantity in ledger.rows:
                out.write(f"{quantity or '-'} {status}\n")
    print(json.dumps(ledger.summary()))
    sys.exit(1 if ledger.failed() else 0)


if __name__ == "__main__":
    main()
