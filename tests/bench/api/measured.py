"""How long a process of the API takes for what `wrk` asks it, and what that costs it and Redis."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
from redis.asyncio import Redis

from tests.bench.readings import cpu_seconds
from tests.bench.stage import ROOT, process
from tests.calls import KEY
from tests.installation import free_port
from tests.poll import until

SLOW_MICROSECONDS = 5_000
CONNECTIONS = 2
ALONE_SECONDS, ALONE_TIMES = 1, 3
"""So long and often at most each read is asked over one connection, for the slowest command: then Redis has a core.

What a command takes it takes each time, but what somebody else took of the machine meanwhile it does not.
"""
REPORT = """done = function(summary, latency)
  io.write(string.format("p50=%f p95=%f requests=%d wrong=%d\\n", latency:percentile(50) / 1000,
    latency:percentile(95) / 1000, summary.requests, summary.errors.status + summary.errors.timeout))
end
"""


class Reading(NamedTuple):
    """One read: its latencies in ms, how often it was asked, what one took of CPU, and the slowest command of Redis, in ms."""

    name: str
    path: str
    p50: float
    p95: float
    requests: int
    wrong: int
    api_cpu: float
    redis_cpu: float
    slowest_command: float

    def __str__(self) -> str:
        slow = f"{self.slowest_command:.1f}" if self.slowest_command else "under 5"
        wrong = f", {self.wrong} wrong answers" if self.wrong else ""
        cpu = f"{self.api_cpu:.1f} | {self.redis_cpu:.1f}"
        numbers = f"{self.p50:.1f} | {self.p95:.1f} | {cpu} | {slow} | {self.requests:,}{wrong}"
        return f"| {self.name} | `{self.path}` | {numbers} |"


class Api(NamedTuple):
    """A process that serves, how it is asked, and the script by which `wrk` reports."""

    pid: int
    client: httpx.AsyncClient
    report: Path


@asynccontextmanager
async def serving(folder: Path, url: str, headers: dict[str, str], root: Path = ROOT) -> AsyncIterator[Api]:
    """A process of the API of a checkout, which is asked with these headers."""
    report = folder / "report.lua"
    report.write_text(REPORT)
    environment = {
        "RECURO_REDIS_URL": url,
        "RECURO_API_PORT": str(port := free_port()),
        "RECURO_ENCRYPTION_KEY": KEY,
        "RECURO_LOG_FORMAT": "json",
    }
    argv = [sys.executable, "-c", "from services.api.main import main; main()"]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:

        async def serves() -> bool:
            try:
                return (await client.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        with process(argv, environment, folder / "api.log", root=root) as api:
            await until(serves, 120.0)
            yield Api(api.pid, client, report)


async def read(
    redis: Redis, api: Api, name: str, path: str, seconds: int, connections: int = CONNECTIONS
) -> Reading:
    """What `wrk` says of a path that is asked for so long over so many connections."""
    (await api.client.get(path)).raise_for_status()  # the first of a process makes what it keeps
    api_cpu, redis_cpu = cpu_seconds(api.pid), await cpu_of(redis)
    p50, p95, requests, wrong = await _wrk(api, path, seconds, connections)
    api_ms, redis_ms = (
        1000 * spent / max(1, requests)
        for spent in (cpu_seconds(api.pid) - api_cpu, await cpu_of(redis) - redis_cpu)
    )
    slow = await _slowest(redis, api, path)
    return Reading(name, path, p50, p95, int(requests), int(wrong), api_ms, redis_ms, slow)


async def _slowest(redis: Redis, api: Api, path: str) -> float:
    """The slowest command in the time that had the least slow one, in ms; 0 if one had none."""
    found = []
    for _ in range(ALONE_TIMES):
        await redis.slowlog_reset()
        await _wrk(api, path, ALONE_SECONDS, connections=1)
        found.append(max([row["duration"] / 1000 for row in await redis.slowlog_get(100)], default=0.0))
        if not found[-1]:
            break
    return min(found)


async def _wrk(api: Api, path: str, seconds: int, connections: int) -> tuple[float, float, float, float]:
    """Latencies at p50 and p95, in ms; how many requests there were, and how many were answered wrongly."""
    headers = [
        part
        for one in ("Authorization", "Cookie")
        if one in api.client.headers
        for part in ("-H", f"{one}: {api.client.headers[one]}")
    ]
    many = ("-t1", f"-c{connections}", f"-d{seconds}s")
    argv = ("wrk", *many, *headers, "-s", str(api.report), str(api.client.base_url.join(path)))
    wrk = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    said = (await wrk.communicate())[0].decode()
    found = re.search(r"p50=([\d.]+) p95=([\d.]+) requests=(\d+) wrong=(\d+)", said)
    assert found, said
    p50, p95, requests, wrong = map(float, found.groups())
    return p50, p95, requests, wrong


async def cpu_of(redis: Redis) -> float:
    said = await redis.info("cpu")
    return float(said["used_cpu_user"]) + float(said["used_cpu_sys"])


async def is_at_rest(redis: Redis) -> bool:
    """Not while the append-only file is rewritten: its child makes every first write to a page a copy."""
    return not (await redis.info("persistence"))["aof_rewrite_in_progress"]
