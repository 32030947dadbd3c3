"""What an installation runs on: its processes, its clock, and its Redis."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from redis.asyncio import Redis

from shared.runtime import health
from shared.runtime.durability import durability
from shared.schedule import zone_data
from shared.store import moments
from shared.store.care import overdue
from shared.store.care.shortage import Shortage, share_used
from shared.store.moments import Present
from shared.version import VERSION


@dataclass(frozen=True, slots=True)
class Storage:
    """Redis, or what stands in its place."""

    product: str
    used_bytes: int
    most_bytes: int
    """0: as much as the machine has."""
    share: float
    """Of `maxmemory`, as Redis counts it; 0 without a limit."""
    policy: str
    durability: str
    faults: tuple[str, ...]
    """What keeps it from writing, in sentences."""

    @property
    def shortage(self) -> Shortage:
        return Shortage.ROOM.following(self.share)


@dataclass(frozen=True, slots=True)
class Installation:
    processes: Mapping[str, int]
    """How many of each service have reported lately."""
    troubled: int
    """Processes that cannot go on with something; `recuro doctor` names it."""
    clock: Present
    overdue_seconds: float
    """For how long the oldest work waits for a scheduler."""
    storage: Storage
    version: str
    zones: str


async def read(redis: Redis) -> Installation:
    """It as a whole: nothing in it is of a team."""
    processes, troubles, clock, late, storage = await asyncio.gather(
        health.living(redis),
        health.troubles(redis),
        moments.read(redis, health.SHARD),
        overdue.longest(redis),
        _storage(redis),
    )
    return Installation(
        processes=processes,
        troubled=len(troubles),
        clock=clock,
        overdue_seconds=late,
        storage=storage,
        version=VERSION,
        zones=str(zone_data.release()),
    )


async def _storage(redis: Redis) -> Storage:
    info, kept = await asyncio.gather(redis.info(), durability(redis))
    facts = {name: str(value) for name, value in info.items()}
    is_valkey = facts.get("server_name") == "valkey"
    version = facts.get("valkey_version") or facts.get("redis_version", "")
    return Storage(
        product=f"{'Valkey' if is_valkey else 'Redis'} {version}".strip(),
        used_bytes=int(facts.get("used_memory", 0)),
        most_bytes=int(facts.get("maxmemory", 0)),
        share=share_used(facts),
        policy=facts.get("maxmemory_policy", "unknown"),
        durability=kept,
        faults=tuple(faults(facts)),
    )


def faults(facts: Mapping[str, str]) -> list[str]:
    """What prevents Redis from writing, by what it reports of itself; nothing if all is well."""
    found = []
    if facts.get("role") not in (None, "master"):
        found.append("role: a replica takes no writes; RECURO_REDIS_URL must name the primary")
    if facts.get("aof_enabled") == "1" and facts.get("aof_last_write_status", "ok") != "ok":
        found.append("append-only log: the last write failed, and nothing is kept; is the disk full?")
    if facts.get("aof_enabled") == "1" and facts.get("aof_last_bgrewrite_status", "ok") != "ok":
        found.append("append-only log: it could not be rewritten and grows; is the disk nearly full?")
    if facts.get("rdb_last_bgsave_status", "ok") != "ok":
        found.append("snapshots: the last one failed; is the disk full?")
    most = int(facts.get("maxmemory", 0))
    if most and int(facts.get("used_memory", 0)) >= most:
        found.append(f"memory: all {most} bytes of maxmemory are used, and no job is taken; raise it")
    return found
