"""The way to the street: our sender beside a bare client on the same target, and over many hosts.

`python -m tests.bench.street` writes docs/benchmarks-http.md; `make bench` runs it too.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from statistics import median
from typing import cast

import aiohttp
import uvloop
from httptools import HttpResponseParser

from services.worker.http.client import Sender
from services.worker.http.egress import NoPlace, Resolver
from services.worker.http.exchange import Exchange
from services.worker.http.outgoing import Outgoing
from shared.security.addresses import Policy
from tests.bench import pages
from tests.bench.board import Board
from tests.bench.stage import process
from tests.poll import until

CONCURRENCY = 64
HOSTS = (1_000, 5_000)
BODY = b'{"event":"user.created","id":"0123456789abcdef","plan":"pro"}'
POLICY = Policy((ip_network("127.0.0.0/8"),))
LOOP, BARE, ONE = "bare loop, one host", "bare aiohttp, one host", "our sender, one host"
PAGE = pages.DOCS / "benchmarks-http.md"
FULL = {"rounds": 5, "seconds": 3}

Work = Callable[[int], Awaitable[None]]
"""Sends request number n, and returns when it is answered with 200."""


def of_hosts(hosts: int) -> str:
    return f"our sender, {hosts:,} hosts"


class BareConnection(asyncio.Protocol):
    """The minimum: writes a request and parses the response with httptools."""

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._answered: asyncio.Future[None] | None = None
        self._parser = HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        assert self._parser.get_status_code() == 200
        assert self._answered is not None
        self._answered.set_result(None)
        self._parser = HttpResponseParser(self)

    async def ask(self, request: bytes) -> None:
        assert self._transport is not None
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        await self._answered


async def bare_loop(port: int, seconds: float) -> float:
    loop = asyncio.get_running_loop()
    head = f"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    request = head.encode() + BODY
    made = [await loop.create_connection(BareConnection, "127.0.0.1", port) for _ in range(CONCURRENCY)]
    free = [connection for _, connection in made]

    async def send(_number: int) -> None:
        connection = free.pop()
        await connection.ask(request)
        free.append(connection)

    return await _rate(send, seconds)


async def bare(port: int, seconds: float) -> float:
    """The fastest well-maintained client library, with its defaults."""
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def send(_number: int) -> None:
            headers = {"Content-Type": "application/json"}
            async with session.post(f"http://127.0.0.1:{port}/", data=BODY, headers=headers) as answer:
                await answer.read()
                assert answer.status == 200

        return await _rate(send, seconds)


async def ours(port: int, seconds: float, hosts: int) -> float:
    urls = [f"http://{number}.example:{port}/" for number in range(hosts)]
    calls = [Outgoing("POST", url, {"Content-Type": "application/json"}, BODY, 30.0) for url in urls]
    resolver = Resolver(POLICY, look_up=lambda _name: ["127.0.0.1"])
    async with Sender(POLICY, resolver=resolver) as sender:

        async def send(number: int) -> None:
            exchange = await _sent(sender, calls[number % hosts])
            assert exchange.failure_reason is None, exchange

        for first in range(0, hosts, CONCURRENCY):
            await asyncio.gather(*(send(number) for number in range(first, first + CONCURRENCY)))
        return await _rate(send, seconds)


async def _sent(sender: Sender, call: Outgoing) -> Exchange:
    """Repeat while a slow machine has no place for the look-up, like a worker that gives the job back."""
    while True:
        with suppress(NoPlace):
            return await sender.send(call)


async def _rate(send: Work, seconds: float) -> float:
    """Requests a second at a concurrency of 64, once a tenth of the time is over; one is waited for at least."""
    done, began = 0, time.perf_counter()
    ends, counts_from = began + 1.1 * seconds, began + 0.1 * seconds

    async def caller(number: int) -> None:
        nonlocal done
        while (now := time.perf_counter()) < ends or not done:
            await send(number)
            number += CONCURRENCY
            done += now > counts_from

    await asyncio.gather(*(caller(number) for number in range(CONCURRENCY)))
    return done / max(seconds, time.perf_counter() - counts_from)


async def measure(rounds: int, seconds: float) -> list[dict[str, float]]:
    """Per round, requests a second of each; every second round goes the other way."""
    found = []
    with tempfile.TemporaryDirectory(prefix="recuro-bench-") as name:
        board, folder = Board(Path(name) / "board"), Path(name)
        argv = [sys.executable, "-m", "tests.bench.sink", str(folder / "board")]
        with process(argv, {}, folder / "sink.log"):

            async def listening() -> bool:
                return board.port > 0

            await until(listening)
            trials: dict[str, Callable[[], Awaitable[float]]] = {
                LOOP: lambda: bare_loop(board.port, seconds),
                BARE: lambda: bare(board.port, seconds),
                ONE: lambda: ours(board.port, seconds, 1),
                **{of_hosts(hosts): _trial(board.port, seconds, hosts) for hosts in HOSTS},
            }
            for number in range(rounds):
                order = list(trials) if number % 2 == 0 else list(trials)[::-1]
                found.append({trial: await trials[trial]() for trial in order})
                print(f"round {number + 1}: {found[-1]}", file=sys.stderr)
    return found


def _trial(port: int, seconds: float, hosts: int) -> Callable[[], Awaitable[float]]:
    return lambda: ours(port, seconds, hosts)


def page(found: list[dict[str, float]], seconds: float, load: float) -> str:
    """Markdown."""
    names = [LOOP, BARE, ONE, *(of_hosts(hosts) for hosts in HOSTS)]
    rows = [f"| {name} | {median(each[name] for each in found):,.0f} |" for name in names]
    ratios = [_ratio(found, ONE, BARE, "0.6"), _ratio(found, of_hosts(HOSTS[0]), ONE, "0.45")]
    ratios += [_ratio(found, of_hosts(HOSTS[1]), ONE, ""), _ratio(found, ONE, LOOP, "")]
    arguments = f"--rounds {len(found)} --seconds {seconds:g}"
    return "\n".join(
        [
            "# Benchmarks of the way to the street",
            "",
            f"A POST of {len(BODY)} bytes, {CONCURRENCY} at a time, to a target process on the loopback that answers "
            "200 at once.",
            "",
            f"* Command: `python -m tests.bench.street {arguments}`, which wrote this page on "
            f"{datetime.now(UTC):%Y-%m-%d}; {os.cpu_count()} cores, load {load:.1f} before.",
            "* Bare aiohttp is the client library as it is: no address judge, no total deadline of ours, no bounds.",
            "* The bare loop is no client: it holds 64 connections open, writes the same bytes each time and parses the "
            "answer with httptools. It is there to say how much is left to gain.",
            "* Many hosts: every request goes to the next one, over connections that are kept: each was opened "
            "before.",
            "* Sender and target share the cores. Ratios are of one round: the median, and the lowest and highest.",
            "",
            "| | requests a second, median |",
            "|---|---|",
            *rows,
            "",
            "| Ratio | median (lowest to highest) | wanted |",
            "|---|---|---|",
            *ratios,
            "",
        ]
    )


def _ratio(found: list[dict[str, float]], name: str, to: str, wanted: str) -> str:
    of_rounds = [each[name] / each[to] for each in found]
    wished = f"at least {wanted}" if wanted else "-"
    low, high = min(of_rounds), max(of_rounds)
    return f"| {name} : {to} | {median(of_rounds):.2f} ({low:.2f} to {high:.2f}) | {wished} |"


def main(arguments: list[str] | None = None) -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.bench.street", description=__doc__)
    asked.add_argument("--rounds", type=pages.positive, default=5)
    asked.add_argument("--seconds", type=float, default=3.0, help="of each trial")
    pages.add_output(asked, PAGE)
    options, load = asked.parse_args(arguments), os.getloadavg()[0]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(measure(options.rounds, options.seconds))
    text = page(found, options.seconds, load)
    pages.put(text, PAGE, options.output, pages.fewer(options, FULL))


if __name__ == "__main__":
    main()
