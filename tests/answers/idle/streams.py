"""Requests through our own sender, again and again after just so long as the server keeps a connection."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from services.worker.http.client import Sender
from services.worker.http.egress import Resolver
from services.worker.http.outgoing import Outgoing
from tests.answers import ours

SPREAD_SECONDS = 0.004
TIMEOUT_SECONDS = 5.0
STREAMS = 5
"""Of each method, to each way to a server; each is another host to our client, and so has a connection of its own."""

_bodies = itertools.count(1)


@dataclass(slots=True)
class Tally:
    """Of one way to one server by one method."""

    fires: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    sent: set[str] = field(default_factory=set)
    """The bodies, each of which is another."""


async def fired(
    ports: dict[str, int], period: float, seconds: float, seed: int
) -> dict[tuple[str, str], Tally]:
    """Fire for so long; by the name of the way and the method."""
    tallies = {(way, method): Tally() for way in ports for method in ("GET", "POST")}
    resolver = Resolver(ours.LOOPBACK, lambda _: ["127.0.0.1"])
    async with Sender(ours.LOOPBACK, resolver=resolver) as sender, asyncio.TaskGroup() as together:
        for number, (way, method) in enumerate(tallies):
            for stream in range(STREAMS):
                url = f"http://{method.lower()}-{number}-{stream}.test:{ports[way]}/note"
                moments = _moments(
                    period, seconds, random.Random(f"{seed}:{url.partition(':1')[0]}:{stream}")
                )
                together.create_task(_stream(sender, method, url, moments, tallies[way, method]))
    return tallies


def _moments(period: float, seconds: float, rng: random.Random) -> Iterator[float]:
    """When to fire, in seconds from the start: by the clock as a cron does, some milliseconds early or late."""
    phase = rng.uniform(0.1, period)
    for number in range(int((seconds - phase) / period) + 1):
        yield phase + number * period + rng.uniform(-SPREAD_SECONDS, SPREAD_SECONDS)


async def _stream(sender: Sender, method: str, url: str, moments: Iterator[float], tally: Tally) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for moment in moments:
        await asyncio.sleep(began + moment - loop.time())
        body = f"stream-{next(_bodies)}"
        headers = {"Idempotency-Key": f"key-of-{body}"}
        content = body.encode() if method == "POST" else None
        exchange = await sender.send(Outgoing(method, url, headers, content, TIMEOUT_SECONDS))
        tally.fires += 1
        if method == "POST":
            tally.sent.add(body)
        if exchange.failure_reason is not None:
            tally.failures[exchange.error_message or "?"] += 1
