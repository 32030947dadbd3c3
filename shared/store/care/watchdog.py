"""What the schedulers found when they compared each cron's next fire with its plan."""

from dataclasses import dataclass
from datetime import datetime

from redis.asyncio import Redis

from shared import clock
from shared.store import keyspace, moments


@dataclass(frozen=True, slots=True)
class Watched:
    """When all crons of a shard were checked, how many, and how many were last rescheduled, and when."""

    at: datetime
    crons: int
    moved: int
    moved_at: datetime | None


async def note(redis: Redis, shard: str, crons: int, moved: int) -> None:
    """Record that all crons were checked."""
    now_ms = clock.milliseconds(await moments.now(redis, shard))
    found = {"moved": moved, "moved_at": now_ms} if moved else {}
    await redis.hset(keyspace.watchdog(shard), mapping={"at": now_ms, "crons": crons, **found})  # type: ignore[misc]


async def read(redis: Redis, shard: str) -> Watched | None:
    """The last result; None if no check has ended yet."""
    fields: dict[str, str] = await redis.hgetall(keyspace.watchdog(shard))  # type: ignore[misc]
    if "at" not in fields:
        return None
    moved_at = clock.moment(fields["moved_at"]) if "moved_at" in fields else None
    at, crons = clock.moment(fields["at"]), int(fields.get("crons", 0))
    return Watched(at, crons, int(fields.get("moved", 0)), moved_at)
