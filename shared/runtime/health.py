"""Signs of life of the services without HTTP, by the installation's clock, as hosts' clocks may differ."""

import os
import socket
from collections.abc import Mapping
from types import MappingProxyType

from redis.asyncio import Redis

from shared import clock
from shared.store import account_keys, keyspace, moments, transitions

HEALTH_SECONDS = 10
SERVICES = ("worker", "scheduler")
LEASE_SECONDS = 30.0
"""How long work belongs to its worker without a beat."""
SHARD = keyspace.SHARDS[0]
"""The shard whose clock counts; a service serves all shards."""
_WELL: Mapping[str, str] = MappingProxyType({})


async def alive(redis: Redis, service: str, host: str) -> bool:
    """Whether a process of that service on that host has reported lately."""
    now_ms = clock.milliseconds(await moments.now(redis, SHARD))
    living = await redis.zrangebyscore(keyspace.live(), now_ms, "+inf")
    return any(member.startswith(f"{service}:{host}:") for member in living)


async def living(redis: Redis) -> dict[str, int]:
    """How many workers and schedulers have reported lately."""
    now_ms = clock.milliseconds(await moments.now(redis, SHARD))
    members = await redis.zrangebyscore(keyspace.live(), now_ms, "+inf")
    services = [member.partition(":")[0] for member in members]
    return {service: services.count(service) for service in SERVICES}


async def require_writable(redis: Redis) -> None:
    """Write as a caller's request would; raises the error with which Redis refuses it."""
    await redis.set(account_keys.probe(), 1)


async def beat(redis: Redis, service: str, troubles: Mapping[str, str] = _WELL) -> None:
    """Report that this process is alive, and what is wrong with it; valid for three beats."""
    trouble = "; ".join(troubles.values()) or None
    await transitions.say_alive(
        redis, SHARD, member=_member(service), valid_ms=3000 * HEALTH_SECONDS, trouble=trouble
    )


async def troubles(redis: Redis) -> dict[str, str]:
    """What is wrong with each living process, by service:host:pid."""
    found: dict[str, str] = await redis.hgetall(keyspace.troubles())  # type: ignore[misc]
    now_ms = clock.milliseconds(await moments.now(redis, SHARD))
    living = set(await redis.zrangebyscore(keyspace.live(), now_ms, "+inf"))
    return {member: said for member, said in found.items() if member in living}


async def leave(redis: Redis, service: str) -> None:
    """Report that this process ends."""
    await redis.zrem(keyspace.live(), _member(service))
    await redis.hdel(keyspace.troubles(), _member(service))  # type: ignore[misc]


def _member(service: str) -> str:
    return f"{service}:{socket.gethostname()}:{os.getpid()}"
