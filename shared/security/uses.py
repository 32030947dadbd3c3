"""Notes of when and from where tokens were used, and what they were refused, written beside the calls."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Coroutine
from typing import Any

import structlog
from redis.asyncio import Redis

from shared import clock
from shared.errors import Damaged
from shared.store import keyspace, moments, transitions
from shared.store.connection import AWAY

NOTE_SECONDS = 60.0
"""A process notes the use of one token once in so long."""
_MOST_TOKENS, _MOST_AT_ONCE = 4096, 16

log = structlog.get_logger()


class Uses:
    """Never slows or fails a call: what Redis does not take in time is left out."""

    def __init__(self, redis: Redis, interface: str) -> None:
        self._redis, self._interface = redis, interface
        self._noted: OrderedDict[str, float] = OrderedDict()
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, digest: str, address: str, *, is_new: bool = False) -> None:
        """The token is used now; one that is new here, for an earlier version made it, gets an id."""
        now = time.monotonic()
        if now < self._noted.get(digest, 0.0):
            return
        self._noted[digest] = now + NOTE_SECONDS
        self._noted.move_to_end(digest)
        if len(self._noted) > _MOST_TOKENS:
            self._noted.popitem(last=False)
        self._start(self._note(digest, address, is_new=is_new))

    def note_refusal(self, digest: str, reason: str) -> None:
        self._start(transitions.note_refusal(self._redis, digest=digest, reason=reason))

    async def written(self) -> None:
        """Return once everything that was noted so far is written, or left out."""
        if self._writing:
            await asyncio.wait(self._writing)

    async def _note(self, digest: str, address: str, *, is_new: bool) -> None:
        if is_new:
            await transitions.adopt_tokens(self._redis, [digest])
        now = await moments.now(self._redis, keyspace.SHARDS[0])
        await transitions.note_use(
            self._redis,
            digest=digest,
            interface=self._interface,
            address=address,
            now_ms=clock.milliseconds(now),
        )

    def _start(self, write: Coroutine[Any, Any, None]) -> None:
        if len(self._writing) >= _MOST_AT_ONCE:
            write.close()
            return
        task = asyncio.create_task(_tried(write))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)


async def _tried(write: Coroutine[Any, Any, None]) -> None:
    try:
        await write
    except (Damaged, *AWAY) as error:
        log.debug("use_not_noted", error=repr(error))
