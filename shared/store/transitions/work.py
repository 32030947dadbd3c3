"""Work on its way: claimed by a worker, kept alive, sent, finished, given back, promoted when it is due."""

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from redis.asyncio import Redis

from shared.store import keyspace
from shared.store.transitions.functions import Argument, Function

_CLAIM = Function("claim")
_FINISH = Function("finish")
_BEAT = Function("beat")
_ADMIT = Function("admit")
_IN_FLIGHT = Function("in_flight")
_RESCUE = Function("rescue")
_PROMOTE = Function("promote")
_STOP_WORKER = Function("stop_worker")


class Entry(NamedTuple):
    """Where a piece of work stands; of `kind` j (job), e (execution) or n (notice)."""

    kind: str
    team: int
    queue: str
    id: int
    lane: str
    entry: str


class Finished(NamedTuple):
    """An `Entry` and what became of it: complete, retry, dead, fail, release or postpone."""

    kind: str
    team: int
    queue: str
    id: int
    lane: str
    entry: str
    verdict: str
    run: str
    """JSON."""
    waited_ms: int | str
    """From when it was due until its request began; empty without a request, as the next."""
    took_ms: int | str
    detail: str
    """1 if a `Detail` follows, or empty."""


class Detail(NamedTuple):
    """What most that is finished has nothing of."""

    after_ms: int
    """Of a retry or what is postponed."""
    response: str
    """Of a cron, for its record."""
    reason: str
    """Of a failure; of what is postponed `counted` if its wait shall end in minutes."""
    facts: str
    """Of a failure, for its alert (JSON); of what is postponed what it waits for."""
    target: str
    """Host and path that it was sent to, as problems have them: of a failure, and of what went well in a
    queue that is watched."""


FinishedRow = tuple[str, int, str, int, str, str, str, str, int | str, int | str, str]
"""A `Finished` without its names, as a worker makes it: with names each costs it a microsecond."""
DetailedRow = tuple[
    str, int, str, int, str, str, str, str, int | str, int | str, str, int, str, str, str, str
]
"""The same with its `Detail`."""


class InFlight(NamedTuple):
    """An entry in flight, as last seen; `beats` counts its worker's heartbeats for it."""

    queue: str
    """<team>:<queue>"""
    lane: str
    entry: str
    consumer: str
    beats: int


class Pending(NamedTuple):
    """An entry that is in flight, and how often its consumer has beaten for it."""

    entry: str
    consumer: str
    ref: str
    beats: int


class Claimed(NamedTuple):
    """What a claim brought; the rows are texts, as they stand in `claim.lua`."""

    now_ms: int
    next_due_ms: int
    """0 if nothing is due later."""
    queues: Sequence[tuple[str, str, str, str]]
    works: Sequence[list[str]]
    teams: Sequence[tuple[str, str, str, list[str], list[str]]]


async def claim(
    redis: Redis,
    shard: str,
    *,
    consumer: str,
    places: int,
    spare: int = 0,
    kept: int = 0,
    crowd: Iterable[int] = (),
    now_ms: int | None = None,
) -> Claimed:
    """Start up to so many pieces of work in turn, and up to `spare` more of queues with nothing in flight.

    The teams of the `crowd` leave `kept` of the spare places to the others.
    """
    claimed = await _CLAIM(
        redis,
        keyspace.prefix(shard),
        tuple(crowd),
        consumer=consumer,
        places=places,
        spare=spare,
        kept=kept,
        now_ms=now_ms,
    )
    return Claimed(*claimed)


def claim_command(
    shard: str,
    *,
    consumer: str,
    places: int,
    spare: int = 0,
    kept: int = 0,
    crowd: Iterable[int] = (),
) -> tuple[Argument, ...]:
    """The same for a pipeline, where its answer is a list or an error."""
    return _CLAIM.command(
        keyspace.prefix(shard),
        tuple(crowd),
        consumer=consumer,
        places=places,
        spare=spare,
        kept=kept,
    )


async def finish(
    redis: Redis,
    shard: str,
    results: Sequence[FinishedRow | DetailedRow],
    *,
    consumer: str,
    now_ms: int | None = None,
) -> list[int]:
    """Per result 1 if it is recorded, 2 if the work was deleted or is damaged, 0 if another has it."""
    answers: list[int] = await _FINISH(
        redis, keyspace.prefix(shard), _parts(results), consumer=consumer, now_ms=now_ms
    )
    return answers


def finish_command(
    shard: str, results: Sequence[FinishedRow | DetailedRow], *, consumer: str
) -> tuple[Argument, ...]:
    """The same for a pipeline, where its answer is a list or an error."""
    return _FINISH.command(keyspace.prefix(shard), _parts(results), consumer=consumer)


async def beat(
    redis: Redis, shard: str, entries: Sequence[Entry], *, consumer: str
) -> tuple[int, Sequence[int]]:
    """Now (ms), and per entry 1 if the consumer has it, 2 if it shall be cancelled, 0 if another has it."""
    now_ms, answers = await _BEAT(redis, keyspace.prefix(shard), _parts(entries), consumer=consumer)
    return now_ms, answers


async def admit(redis: Redis, shard: str, *, queue: str, now_ms: int | None = None) -> int:
    """Count a request against the rate of `<team>:<queue>`: 0 if it may leave, or ms until to ask again."""
    return int(await _ADMIT(redis, keyspace.prefix(shard), queue=queue, now_ms=now_ms))


async def in_flight(
    redis: Redis, shard: str, *, queue: str, lane: str, after: str | None, most: int
) -> list[Pending]:
    """What one lane of `<team>:<queue>` has in flight after an entry, or from the first."""
    prefix = keyspace.prefix(shard)
    rows = await _IN_FLIGHT(redis, prefix, queue=queue, lane=lane, after=after, most=most)
    return [Pending(*row) for row in rows]


async def rescue(redis: Redis, shard: str, lost: Sequence[InFlight], *, patience: int, run: str) -> int:
    """Give back what has not moved, or end it by `run` (JSON) once it lost so many workers; how many."""
    return int(await _RESCUE(redis, keyspace.prefix(shard), _parts(lost), patience=patience, run=run))


async def promote(redis: Redis, shard: str, *, most: int, now_ms: int | None = None) -> tuple[int, int]:
    """Start up to so many that are due; now (ms) and the next due moment (ms, 0 = none)."""
    now, next_due = await _PROMOTE(redis, keyspace.prefix(shard), most=most, now_ms=now_ms)
    return now, next_due


async def stop_worker(redis: Redis, shard: str, *, consumer: str) -> None:
    """Let claims of this consumer take nothing any more."""
    await _STOP_WORKER(redis, keyspace.prefix(shard), consumer=consumer)


def _parts(rows: Iterable[Entry | FinishedRow | DetailedRow | InFlight]) -> list[Argument]:
    """As `flat` of rows that have texts and numbers alone, without a look at each of a thousand."""
    return list(chain.from_iterable(rows))
