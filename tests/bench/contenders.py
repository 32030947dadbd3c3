"""The contenders: how the programs of each are started, and when its results are in Redis."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version

from redis.asyncio import Redis

from shared.store import keyspace
from tests.bench import environments
from tests.bench.feed import CONCURRENCY
from tests.installation import RECURO

Left = Callable[[Redis, int], Awaitable[int]]
"""How many of the first `n` jobs are still to be recorded; one command."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One queue; its programs are run with the Redis URL and the board's path in the environment."""

    name: str
    version: str
    worker: list[str]
    feeder: list[str]
    left: Left
    words: str
    """Its setup and what it stores, for the page."""
    counting_worker: list[str] | None = None
    """The worker of jobs without requests, if it is not the same."""
    environment: dict[str, str] = field(default_factory=dict)
    share: int = 1
    """A slow one gets this many times fewer jobs, so that a round ends in time."""
    rounds: int = sys.maxsize
    sign: str = ""
    """A key that exists once its worker is up, if jobs must not come sooner."""
    in_pairs: bool = False
    """Whether two workers are measured too."""

    def jobs(self, n: int) -> int:
        return max(100, n // self.share)


async def _recuro_left(redis: Redis, n: int) -> int:
    team = keyspace.Team(1)
    return n - int(await redis.zcard(f"{team.prefix}x:{team.id}:completed"))


async def _floor_left(redis: Redis, n: int) -> int:
    return int(await redis.xlen("floor"))


async def _arq_left(redis: Redis, n: int) -> int:
    return int(await redis.zcard("arq:queue"))


async def _streaq_left(redis: Redis, n: int) -> int:
    return n - int(await redis.zcard("streaq:default:index:results"))


async def _saq_left(redis: Redis, n: int) -> int:
    return int(await redis.zcard("saq:default:incomplete"))


async def _taskiq_left(redis: Redis, n: int) -> int:
    (group,) = await redis.xinfo_groups("taskiq")
    return n - int(group["entries-read"]) + int(group["pending"])


async def _rq_left(redis: Redis, n: int) -> int:
    return n - int(await redis.zcard("rq:finished:default"))


async def _dramatiq_left(redis: Redis, n: int) -> int:
    return int(await redis.hlen("dramatiq:default.msgs"))  # type: ignore[misc]


def ours() -> list[Contender]:
    """The contenders in our own environment."""
    every_half_second = "the same with its default `poll_delay` of 0.5 s; one round"
    often = "uvloop, aiohttp, `max_jobs` 64, `poll_delay` 0.01; keeps results for a minute"
    return [
        _recuro(),
        _floor(),
        _arq("arq", "0.01", often),
        _arq("arq, default poll", "0.5", every_half_second, rounds=1),
    ]


def _module(name: str, mode: str) -> list[str]:
    return [sys.executable, "-m", f"tests.bench.{name}", mode]


def _recuro() -> Contender:
    return Contender(
        name="Recuro",
        version=version("recuro"),
        worker=[str(RECURO), "worker"],
        counting_worker=_module("recuro_worker", "work"),
        feeder=_module("recuro_worker", "feed"),
        left=_recuro_left,
        words="`recuro worker`, log level WARNING; keeps the job, its run with the response, listings, counters, events",
        environment={
            "RECURO_EGRESS_ALLOW": "127.0.0.0/8",
            "RECURO_WORKER_CONCURRENCY": str(CONCURRENCY),
            "RECURO_LOG_LEVEL": "WARNING",
        },
        in_pairs=True,
    )


def _floor() -> Contender:
    return Contender(
        name="floor",
        version="",
        worker=_module("floor_worker", "work"),
        feeder=_module("floor_worker", "feed"),
        left=_floor_left,
        words="no queue at all: XREADGROUP of 64, Recuro's HTTP client, one script a batch that acknowledges, "
        "deletes and stores a run",
    )


def _arq(name: str, poll_delay: str, words: str, *, rounds: int = sys.maxsize) -> Contender:
    return Contender(
        name=name,
        version=version("arq"),
        worker=_module("arq_worker", "work"),
        feeder=_module("arq_worker", "feed"),
        left=_arq_left,
        words=words,
        environment={"BENCH_POLL_DELAY": poll_delay},
        share=3,
        rounds=rounds,
    )


@dataclass(frozen=True, slots=True)
class _Peer:
    """A contender in an environment of its own."""

    name: str
    left: Left
    words: str
    command: tuple[str, ...] = ()
    """Its own command line, if that is how its worker is run."""
    environment: dict[str, str] = field(default_factory=dict)
    share: int = 1
    sign: str = ""
    in_pairs: bool = False


_TASKIQ = ("taskiq.__main__", "worker", "--workers", "1", "--max-async-tasks", str(CONCURRENCY))
_DRAMATIQ = ("dramatiq", "--processes", "1", "--threads", str(CONCURRENCY))
PEERS = (
    _Peer(
        "streaq",
        _streaq_left,
        "uvloop, aiohttp, `concurrency` 64, logs off, its Redis client without runtime checks; keeps results for 5 minutes",
        environment={"COREDIS_OPTIMIZED": "true"},
        share=9,
    ),
    _Peer(
        "saq",
        _saq_left,
        "uvloop, aiohttp, `concurrency` and `max_concurrent_ops` 64; keeps jobs with results for 10 minutes",
        # Jobs made while it starts sometimes ran twice; its first sweep takes what is just being claimed, it seems.
        sign="saq:default:stats",
        share=3,
    ),
    _Peer(
        "taskiq",
        _taskiq_left,
        "`RedisStreamBroker`, uvloop, aiohttp, `--workers 1 --max-async-tasks 64 --no-parse`, log level WARNING; "
        "keeps no result without a result backend",
        (*_TASKIQ, "--no-parse", "--log-level", "WARNING", "tests.bench.peers.taskiq_worker:broker"),
        share=3,
        in_pairs=True,
    ),
    _Peer(
        "rq",
        _rq_left,
        "`SimpleWorker`, which does not fork, requests with one session, one job at a time; keeps results for 500 s",
        share=18,
    ),
    _Peer(
        "dramatiq",
        _dramatiq_left,
        "Redis broker, `--processes 1 --threads 64`, its asyncio middleware on uvloop, aiohttp; keeps no results",
        (*_DRAMATIQ, "--skip-logging", "tests.bench.peers.dramatiq_worker"),
        share=3,
        in_pairs=True,
    ),
)


def names() -> list[str]:
    """The names of all contenders, installed or not."""
    return [contender.name for contender in ours()] + [peer.name for peer in PEERS]


def peers(names: frozenset[str]) -> Iterator[Contender | str]:
    """The peers of these names (all if none is given); the name alone of one that cannot be installed."""
    for peer in PEERS:
        if names and peer.name not in names:
            continue
        python = environments.python_of(peer.name)
        if python is None:
            yield peer.name
            continue
        module = f"tests.bench.peers.{peer.name}_worker"
        yield Contender(
            name=peer.name,
            version=environments.version_of(peer.name),
            worker=[str(python), "-m", *(peer.command or (module, "work"))],
            feeder=[str(python), "-m", module, "feed"],
            left=peer.left,
            words=peer.words,
            environment=peer.environment,
            share=peer.share,
            sign=peer.sign,
            in_pairs=peer.in_pairs,
        )
