"""Signs of life of the services that serve no HTTP."""

import os
import socket

from redis.asyncio import Redis

from shared import clock, keyspace

HEALTH_SECONDS = 10


async def alive(redis: Redis, service: str, host: str) -> bool:
    """Whether a process of that service on that host has lately said that it lives."""
    living = await redis.zrangebyscore(keyspace.live(), clock.milliseconds(clock.now()), "+inf")
    return any(member.startswith(f"{service}:{host}:") for member in living)


async def beat(redis: Redis, service: str) -> None:
    """Say that this process lives; it holds for three beats."""
    now = clock.milliseconds(clock.now())
    await redis.zadd(keyspace.live(), {_member(service): now + 3000 * HEALTH_SECONDS})
    await redis.zremrangebyscore(keyspace.live(), "-inf", now)


async def leave(redis: Redis, service: str) -> None:
    """Say that this process ends."""
    await redis.zrem(keyspace.live(), _member(service))


def _member(service: str) -> str:
    return f"{service}:{socket.gethostname()}:{os.getpid()}"
