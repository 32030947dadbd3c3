"""Stored data that cannot be used: find it, put it aside, rebuild it where possible, and name it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog
from redis.asyncio import Redis

from shared import clock
from shared.errors import Damaged
from shared.schemas.kinds import Beside, Kind
from shared.schemas.queues import QueueSettings
from shared.store import keyspace, moments, transitions
from shared.store.keyspace import Team

STEP = 500
TYPES: Mapping[str, str] = {
    **dict.fromkeys(Kind, "hash"),
    Beside.SPEC: "string",
    Beside.RUN: "string",
    Beside.INDEX: "zset",
    "log": "list",
    "g": "hash",
    "s": "stream",
    "f": "stream",
    "names": "hash",
    "ids": "hash",
    "ledger": "hash",
    "t": "hash",
    "replay_ids": "list",
    "backfill_moments": "string",
    "backfill_open": "set",
    "backfill_seen": "zset",
    "backfills": "set",
    "replay_change": "string",
    "bulk_ids": "string",
    **dict.fromkeys(("bulk_batch", "bulk_refusals"), "list"),
    "bulks": "set",
    "i": "string",
    "throttled": "zset",
    "retry_after": "zset",
    "hosts": "hash",
    "starts": "zset",
    "sent": "zset",
    **dict.fromkeys(("keys", "rooms", "slots", "lines", "rests", "key_starts"), "zset"),
    "paused_keys": "set",
    "watched": "hash",
    "turns": "zset",
    "virtual_time": "hash",
    "teams": "set",
    "trusted_until": "string",
    "correction": "string",
    "cancels": "stream",
    "in_flight": "set",
    "due": "zset",
    "live": "zset",
    "troubles": "hash",
    "crons": "zset",
    "doomed": "set",
    "bell": "stream",
    "clock": "stream",
    "quarantine": "stream",
    "events": "stream",
    "audit": "stream",
    "audit_jobs": "stream",
    "replays": "set",
    "damaged": "hash",
    "fading": "zset",
    "memory": "hash",
    "zones": "hash",
    "clocks": "hash",
    "doubtful": "zset",
    "retention_waits": "hash",
    "retired_at": "string",
    "figures": "hash",
    "figures_until": "zset",
    "watchdog": "hash",
    "stopped": "string",
    "problem": "hash",
    "problem_ids": "hash",
}
"""By how a key's name begins below the prefix; `damage.lua` has the same table."""
_NEW_QUEUE = QueueSettings().model_dump_json()


log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Damage:
    """One finding: the name below the shard's prefix, since when it is known, and what is wrong."""

    name: str
    at: datetime
    said: str


async def mend_queues(redis: Redis, team: Team) -> AsyncIterator[list[str]]:
    """Rebuild lost records of queues; yield the ids of those, step by step."""
    after = 0
    while True:
        after, mended = await transitions.mend_queues(
            redis, team, settings=_NEW_QUEUE, after=after, limit=STEP
        )
        yield list(mended)
        if not after:
            return


async def found(redis: Redis, shard: str) -> list[Damage]:
    """All remembered findings, oldest first."""
    stored: dict[str, str] = await redis.hgetall(keyspace.damaged(shard))  # type: ignore[misc]
    return sorted((_damage(name, text) for name, text in stored.items()), key=lambda one: one.at)


@asynccontextmanager
async def confined(redis: Redis, team: Team, duty: str) -> AsyncIterator[None]:
    """Damage met in this block counts for one team: it is logged once and remembered; other teams go on."""
    try:
        yield
    except Damaged as error:
        name, now_ms = f"team:{team.id}", clock.milliseconds(await moments.now(redis, team.shard))
        is_new = await redis.hsetnx(keyspace.damaged(team.shard), name, f"{now_ms} {duty}: {error}")  # type: ignore[misc]
        if is_new:
            log.error("team_left_out", team=team.id, duty=duty, error=str(error))


async def look_again(redis: Redis, shard: str, teams: Sequence[Team]) -> None:
    """Forget why teams were left out; whoever meets the damage again remembers it again."""
    await redis.hdel(keyspace.damaged(shard), "shard", *(f"team:{team.id}" for team in teams))  # type: ignore[misc]


async def count(redis: Redis, shard: str) -> int:
    return int(await redis.hlen(keyspace.damaged(shard)))  # type: ignore[misc]


async def forget(redis: Redis, shard: str) -> None:
    """Forget all findings; whoever meets what is still damaged finds it again."""
    await redis.delete(keyspace.damaged(shard))


def _damage(name: str, text: str) -> Damage:
    at, _, said = text.partition(" ")
    return Damage(name, clock.moment(at if at.isdecimal() else 0), said)
