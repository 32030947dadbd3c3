"""Signs of life of the services that serve no HTTP, by the installation's clock: hosts' own may differ."""

import os
import socket
from collections.abc import Mapping
from types import MappingProxyType

from redis.asyncio import Redis

from shared import clock, keyspace, moments, scripts

HEALTH_SECONDS = 10
_WELL: Mapping[str, str] = MappingProxyType({})
SHARD = keyspace.SHARDS[0]
"""By whose clock; a service serves them all."""


async def alive(redis: Redis, service: str, host: str) -> bool:
    """Whether a process of that service on that host has lately said that it lives."""
    now = clock.milliseconds(await moments.now(redis, SHARD))
    living = await redis.zrangebyscore(keyspace.live(), now, "+inf")
    return any(member.startswith(f"{service}:{host}:") for member in living)


async def beat(redis: Redis, service: str, troubles: Mapping[str, str] = _WELL) -> None:
    """Say that this process lives, and what it cannot go on with; it holds for three beats."""
    await scripts.say_alive(redis, keyspace.prefix(SHARD), _member(service), 3000 * HEALTH_SECONDS, "")
    if troubles:
        await redis.hset(keyspace.troubles(), _member(service), "; ".join(troubles.values()))  # type: ignore[misc]
    else:
        await redis.hdel(keyspace.troubles(), _member(service))  # type: ignore[misc]


async def troubles(redis: Redis) -> dict[str, str]:
    """What living processes cannot go on with, by service:host:pid."""
    found: dict[str, str] = await redis.hgetall(keyspace.troubles())  # type: ignore[misc]
    living = set(await redis.zrange(keyspace.live(), 0, -1))
    if gone := found.keys() - living:
        await redis.hdel(keyspace.troubles(), *gone)  # type: ignore[misc]
    return {member: said for member, said in found.items() if member in living}


async def leave(redis: Redis, service: str) -> None:
    """Say that this process ends."""
    await redis.zrem(keyspace.live(), _member(service))
    await redis.hdel(keyspace.troubles(), _member(service))  # type: ignore[misc]


def _member(service: str) -> str:
    return f"{service}:{socket.gethostname()}:{os.getpid()}"
