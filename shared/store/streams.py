"""Follow a stream that every process reads: what changed, what to stop."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import structlog
from redis.asyncio import Redis

from shared.store import connection
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


async def older(redis: Redis, below: Mapping[str, str], count: int) -> list[list[tuple[str, Sequence[str]]]]:
    """Of each stream so many entries, the newest first, up to the one that `below` has for it, in one trip.

    Each with its id and its fields as they are stored: name, value, …
    """
    answers = await connection.exchange(
        redis, *[("XREVRANGE", stream, highest, "-", "COUNT", count) for stream, highest in below.items()]
    )
    for answer in answers:
        if isinstance(answer, Exception):
            raise connection.translated(answer)
    return answers


async def newest(blocking: Redis, stream: str) -> str:
    """The entry to read on from; `$` would miss what is added between two reads."""
    newest = await blocking.xrevrange(stream, count=1)
    return str(newest[0][0]) if newest else "0-0"
