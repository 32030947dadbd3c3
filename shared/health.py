"""Signs of life of the services that serve no HTTP, by the installation's clock: hosts' own may differ."""

import os
import socket

from redis.asyncio import Redis

from shared import clock, keyspace, moments, scripts

HEALTH_SECONDS = 10
SHARD = keyspace.SHARDS[0]
"""By whose clock; a service serves them all."""


async def alive(redis: Redis, service: str, host: str) -> bool:
    """Whether a process of that service on that host has lately said that it lives."""
    now = clock.milliseconds(await moments.now(redis, SHARD))
    living = await redis.zrangebyscore(keyspace.live(), now, "+inf")
    return any(member.startswith(f"{service}:{host}:") for member in living)


async def beat(redis: Redis, service: str) -> None:
    """Say that this process lives; it holds for three beats."""
    await scripts.say_alive(redis, keyspace.prefix(SHARD), _member(service), 3000 * HEALTH_SECONDS, "")


async def leave(redis: Redis, service: str) -> None:
    """Say that this process ends."""
    await redis.zrem(keyspace.live(), _member(service))


def _member(service: str) -> str:
    return f"{service}:{socket.gethostname()}:{os.getpid()}"
