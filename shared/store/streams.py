"""Follow a stream that every process reads: what changed, what to stop."""

import asyncio
from collections.abc import AsyncIterator

import structlog
from redis.asyncio import Redis

from shared.store.connection import AWAY

READ_MILLISECONDS = 2000
PAUSE_SECONDS = 0.25

log = structlog.get_logger()


async def follow(blocking: Redis, stream: str) -> AsyncIterator[list[dict[str, str]]]:
    """Yield the fields of new entries, batch by batch; wait while Redis is away."""
    last = ""
    while True:
        try:
            last = last or await newest(blocking, stream)
            read = await blocking.xread({stream: last}, block=READ_MILLISECONDS)
        except AWAY as error:
            log.warning("redis_away", error=repr(error))
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        for _, entries in read:
            last = entries[-1][0]
            yield [fields for _, fields in entries]


async def newest(blocking: Redis, stream: str) -> str:
    """The entry to read on from; `$` would miss what is added between two reads."""
    newest = await blocking.xrevrange(stream, count=1)
    return str(newest[0][0]) if newest else "0-0"
