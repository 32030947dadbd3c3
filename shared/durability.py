"""Whether a Redis is fit to keep jobs, asked once at the start of a service."""

import asyncio
import sys

import structlog

from shared import store
from shared.settings import Settings

log = structlog.get_logger()


def require_fit(settings: Settings) -> None:
    """End the process with one line if this Redis drops jobs when memory is short; warn if it keeps no log.

    While Redis is away there is nothing to ask, and the service starts all the same.
    """
    asyncio.run(_ask(settings))


async def _ask(settings: Settings) -> None:
    async with store.connect(settings) as redis:
        try:
            facts = {**await redis.info("memory"), **await redis.info("persistence")}
        except store.AWAY as error:
            log.warning("redis_away", error=repr(error))
            return
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        sys.exit(f"RECURO_REDIS_URL: this Redis drops jobs when memory is short ({policy}); set noeviction")
    if str(facts.get("aof_enabled")) != "1":
        log.warning("redis_keeps_no_log", remedy="set appendonly yes, or a crash of Redis loses jobs")
