"""Sleep exactly until the next due moment, or until something earlier comes up."""

import asyncio

from redis.asyncio import Redis

from shared.store import keyspace
from shared.store.streams import follow

LONGEST_SECONDS = 5.0
"""The longest sleep: a change that the clock stream failed to deliver is found by then."""


class Alarm:
    """One sleeper's alarm clock."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def ring(self) -> None:
        self._changed.set()

    async def sleep(self, seconds: float) -> bool:
        """Sleep for so long, at most 5 s; True if something changed meanwhile."""
        try:
            async with asyncio.timeout(max(0.0, min(seconds, LONGEST_SECONDS))):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True


async def listen(blocking: Redis, shard: str, alarms: tuple[Alarm, ...]) -> None:
    """Ring the alarms whenever the clock stream reports that crons or due moments changed."""
    async for _ in follow(blocking, keyspace.clock(shard)):
        for alarm in alarms:
            alarm.ring()
