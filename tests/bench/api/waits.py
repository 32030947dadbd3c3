"""A thousand requests that wait: how long after the end the last is answered, and what Redis does for them meanwhile.

`python -m tests.bench.api.waits` prints it.
"""

import argparse
import asyncio
import os
import select
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import NamedTuple

import httpx
import uvloop
from redis.asyncio import Redis

from services.cli import embedded
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Result
from shared.security import tokens
from shared.settings import Settings
from shared.store import connection, keyspace, streams
from tests.bench import pages
from tests.bench.stage import process
from tests.installation import free_port
from tests.poll import until

JOB = {"queue": "bench", "url": "https://example.com/work"}
EVENTS = keyspace.events(keyspace.SHARDS[0])
WAIT_SECONDS = 60
QUIET_SECONDS, LOOK_SECONDS = 2.0, 0.001
RUN = '[1,200,142,1795830038197,"{\\"ok\\":true}",{"content-type":"application/json"},false,null,null,null,null]'


class Trial(NamedTuple):
    """What was waited for, and after how many ms from the end on the waits were answered."""

    name: str
    answered_ms: Sequence[float]
    """Each after the end that it waited for."""
    since_first_ms: float
    """The last of them, since the call that began to end them: Redis takes a while to end a thousand."""
    commands_per_second: float
    """Of Redis while all waited and nothing ended."""
    cpu_ms: float
    """Of the API from the first end until all were answered: on a machine with others, they answer later."""

    def __str__(self) -> str:
        late = sorted(self.answered_ms)
        at99 = late[int(len(late) * 0.99) - 1]
        return (
            f"{self.name}: {len(late)} answered, median {median(late):.0f} ms, 99 % {at99:.0f} ms, last "
            f"{late[-1]:.0f} ms after its end, {self.since_first_ms:.0f} ms after the first began, by {self.cpu_ms:.0f} ms of CPU; "
            f"{self.commands_per_second:.0f} commands a second meanwhile"
        )


class Api(NamedTuple):
    """Where it is, and who calls it."""

    port: int
    pid: int
    token: str


class Waiters:
    """Connections with one request each, of which is noted when the answer began to arrive.

    They are looked at every ms, together: a program that is woken by each answer takes the API's time of a
    machine that both run on.
    """

    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self._arrivals, self._connections = select.epoll(), list[socket.socket]()
        self._at: dict[int, float] = {}
        for request in requests:
            opened = socket.create_connection(("127.0.0.1", port))
            opened.sendall(request)
            self._arrivals.register(opened, select.EPOLLIN | select.EPOLLET)
            self._connections.append(opened)

    async def answered(self) -> list[float]:
        """When each was, in the order of the requests; raises AssertionError for what is no answer with 200."""
        while len(self._at) < len(self._connections):
            arrived, now = self._arrivals.poll(0), time.time()
            for number, _ in arrived:
                self._at.setdefault(number, now)
            await asyncio.sleep(LOOK_SECONDS)
        wrong = {one.recv(12) for one in self._connections} - {b"HTTP/1.1 200"}
        assert not wrong, wrong
        return [self._at[one.fileno()] for one in self._connections]

    def close(self) -> None:
        for one in self._connections:
            one.close()
        self._arrivals.close()


async def trial(name: str, api: Api, redis: Redis, asked: Sequence[int]) -> Trial:
    lines = [f"GET /api/jobs/{job}?wait={WAIT_SECONDS} HTTP/1.1" for job in asked]
    headers = f"Host: a\r\nAuthorization: Bearer {api.token}\r\n\r\n"
    with closing(Waiters(api.port, [f"{line}\r\n{headers}".encode() for line in lines])) as waiters:
        await asyncio.sleep(QUIET_SECONDS)
        before = await _commands(redis)
        await asyncio.sleep(QUIET_SECONDS)
        commands = (await _commands(redis) - before) / QUIET_SECONDS
        claims = Claims(redis, keyspace.SHARDS[0], "bench")
        works = await claims.claim(1000)
        results = [Result(work, Complete(), RUN, "", "") for work in works]
        last, cpu_ms, began = await streams.newest(redis, EVENTS), _cpu_ms(api.pid), time.time()
        _, answered = await asyncio.gather(claims.finish(results), waiters.answered())
        cpu_ms = _cpu_ms(api.pid) - cpu_ms
    ends = await _ends(redis, last)
    late = [1000 * at - ends[job] for job, at in zip(asked, answered, strict=True)]
    return Trial(name, late, 1000 * (max(answered) - began), commands, cpu_ms)


def _cpu_ms(pid: int) -> float:
    """What Linux counts of all threads of a process, to the nanosecond."""
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e6


async def _ends(redis: Redis, last: str) -> dict[int, int]:
    """When each job ended, in ms by the clock of Redis, which is that of this machine."""
    said = await redis.xrange(EVENTS, min=f"({last}")
    return {
        int(ref.removeprefix("j:")): int(moment.partition("-")[0])
        for moment, entry in said
        if entry["name"] == "job.completed"
        for ref in entry["refs"].split(",")
    }


async def _commands(redis: Redis) -> int:
    return int((await redis.info("stats"))["total_commands_processed"])


async def _measure(waits: int) -> list[Trial]:
    with tempfile.TemporaryDirectory(prefix="recuro-bench-") as name:
        folder, port = Path(name), free_port()
        server = embedded.start(folder)
        environment = {
            "RECURO_REDIS_URL": server.url,
            "RECURO_API_PORT": str(port),
            "RECURO_API_MAX_WAITS": str(2 * waits),
            "RECURO_MAX_CONNECTIONS": str(2 * waits + 100),
            "RECURO_MAX_CONNECTIONS_PER_ADDRESS": str(2 * waits + 100),
            "RECURO_ENCRYPTION_KEY": "k" * 32,
        }
        argv = [sys.executable, "-c", "from services.api.main import main; main()"]
        try:
            async with connection.connect(Settings(redis_url=server.url)) as redis:
                with process(argv, environment, folder / "api.log") as running:
                    token = await tokens.create(redis, team="bench", name="bench", scopes=("admin",))
                    return await _trials(waits, Api(port, running.pid, token), redis)
        finally:
            server.stop()


async def _trials(waits: int, api: Api, redis: Redis) -> list[Trial]:
    headers = {"Authorization": f"Bearer {api.token}"}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{api.port}", headers=headers, timeout=30
    ) as client:

        async def serves() -> bool:
            try:
                return (await client.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        await until(serves)
        first = int((await client.post("/api/jobs", json=JOB)).json()["job_id"])
        of_one = await trial("one job", api, redis, [first] * waits)
        await client.post("/api/jobs/batch", json={"jobs": [JOB] * waits})
        of_many = await trial("a job each", api, redis, range(first + 1, first + 1 + waits))
    return [of_one, of_many]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.api.waits", description=__doc__)
    parser.add_argument(
        "--waits", type=pages.positive, default=1000, help="how many wait, at most 1,000 (%(default)s)"
    )
    arguments, load = parser.parse_args(), os.getloadavg()[0]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for one in runner.run(_measure(arguments.waits)):
            print(one)
    print(f"{os.cpu_count()} cores, load {load:.1f} before")


if __name__ == "__main__":
    main()
