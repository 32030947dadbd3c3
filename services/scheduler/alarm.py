"""Sleeping exactly until the next due moment, or until something earlier comes up."""

import asyncio

import structlog
from redis.asyncio import Redis

from shared import keyspace
from shared.store import AWAY

LONGEST_SECONDS = 5.0
"""Nobody sleeps longer: what the clock stream failed to tell is found by then."""
READ_MILLISECONDS = 2000
PAUSE_SECONDS = 0.25

log = structlog.get_logger()


class Alarm:
    """One sleeper's alarm clock."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def ring(self) -> None:
        self._changed.set()

    async def sleep(self, seconds: float) -> bool:
        """Sleep so long, at most 5 s; True if something changed meanwhile."""
        try:
            async with asyncio.timeout(max(0.0, min(seconds, LONGEST_SECONDS))):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True


async def listen(blocking: Redis, shard: str, alarms: tuple[Alarm, ...]) -> None:
    """Ring the alarms whenever the clock stream says that crons or due moments changed."""
    last = ""
    while True:
        try:
            last = last or await _newest(blocking, shard)
            read = await blocking.xread({keyspace.clock(shard): last}, block=READ_MILLISECONDS)
        except AWAY as error:
            log.warning("redis_away", error=repr(error))
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        for _, entries in read:
            last = entries[-1][0]
            for alarm in alarms:
                alarm.ring()


async def _newest(blocking: Redis, shard: str) -> str:
    """Where to read on from; `$` would miss what is said between two reads."""
    newest = await blocking.xrevrange(keyspace.clock(shard), count=1)
    return str(newest[0][0]) if newest else "0-0"
