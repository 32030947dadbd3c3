"""Hearing which running work somebody wants stopped."""

import asyncio
from collections.abc import Callable

import structlog
from redis.asyncio import Redis

from shared import keyspace
from shared.store import AWAY

READ_MILLISECONDS = 2000
PAUSE_SECONDS = 0.25

log = structlog.get_logger()


async def listen(blocking: Redis, shard: str, cancel: Callable[[str], None]) -> None:
    """Tell `cancel` the key of each; what is said while Redis is away, the heartbeat brings."""
    last = "$"
    while True:
        try:
            read = await blocking.xread({keyspace.cancels(shard): last}, block=READ_MILLISECONDS)
        except AWAY as error:
            log.warning("redis_away", error=repr(error))
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        for _, entries in read:
            last = entries[-1][0]
            for _, fields in entries:
                cancel(fields.get("work", ""))
