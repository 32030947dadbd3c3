"""Delete function libraries of other releases from Redis once those releases have had time to end.

A library that is deleted too early is loaded again by the next call that needs it.
"""

import asyncio
import time

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.store.transitions import functions
from shared.store.transitions.library import NAMED

KEPT_SECONDS = 3600.0
LOOKING_SECONDS = 600.0

log = structlog.get_logger()


class Releases:
    """The libraries other than ours that this process has seen, and since when."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._seen: dict[str, float] = {}

    async def forget(self, kept_seconds: float = KEPT_SECONDS) -> None:
        """Delete those first seen long enough ago that are still there; raises errors of AWAY."""
        now, names = time.monotonic(), await self._others()
        self._seen = {name: self._seen.get(name, now) for name in names}
        for name, since in self._seen.items():
            if now - since >= kept_seconds:
                await self._delete(name)

    async def _others(self) -> list[str]:
        found = await self._redis.function_list(library=f"{NAMED}*")  # type: ignore[misc]
        names = [str(dict(zip(one[::2], one[1::2], strict=True))["library_name"]) for one in found]
        return [name for name in names if name != functions.library.name]

    async def _delete(self, name: str) -> None:
        try:
            await self._redis.function_delete(name)  # type: ignore[misc]
        except ResponseError as error:
            if "not found" not in str(error):  # else another scheduler was faster
                raise
        else:
            log.info("library_deleted", library=name)


async def keep_forgetting_releases(redis: Redis) -> None:
    """Look every ten minutes."""
    releases = Releases(redis)
    while True:
        await releases.forget()
        await asyncio.sleep(LOOKING_SECONDS)
