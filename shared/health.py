"""Signs of life of the services that serve no HTTP."""

import os
import socket
from collections.abc import Mapping
from types import MappingProxyType

from redis.asyncio import Redis

from shared import clock, keyspace

HEALTH_SECONDS = 10
_WELL: Mapping[str, str] = MappingProxyType({})


async def alive(redis: Redis, service: str, host: str) -> bool:
    """Whether a process of that service on that host has lately said that it lives."""
    living = await redis.zrangebyscore(keyspace.live(), clock.milliseconds(clock.now()), "+inf")
    return any(member.startswith(f"{service}:{host}:") for member in living)


async def beat(redis: Redis, service: str, troubles: Mapping[str, str] = _WELL) -> None:
    """Say that this process lives, and what it cannot go on with; it holds for three beats."""
    now = clock.milliseconds(clock.now())
    await redis.zadd(keyspace.live(), {_member(service): now + 3000 * HEALTH_SECONDS})
    await redis.zremrangebyscore(keyspace.live(), "-inf", now)
    if troubles:
        await redis.hset(keyspace.troubles(), _member(service), "; ".join(troubles.values()))  # type: ignore[misc]
    else:
        await redis.hdel(keyspace.troubles(), _member(service))  # type: ignore[misc]


async def troubles(redis: Redis) -> dict[str, str]:
    """What living processes cannot go on with, by service:host:pid."""
    found: dict[str, str] = await redis.hgetall(keyspace.troubles())  # type: ignore[misc]
    living = set(await redis.zrangebyscore(keyspace.live(), clock.milliseconds(clock.now()), "+inf"))
    if gone := found.keys() - living:
        await redis.hdel(keyspace.troubles(), *gone)  # type: ignore[misc]
    return {member: said for member, said in found.items() if member in living}


async def leave(redis: Redis, service: str) -> None:
    """Say that this process ends."""
    await redis.zrem(keyspace.live(), _member(service))
    await redis.hdel(keyspace.troubles(), _member(service))  # type: ignore[misc]


def _member(service: str) -> str:
    return f"{service}:{socket.gethostname()}:{os.getpid()}"
