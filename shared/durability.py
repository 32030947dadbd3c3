"""Whether a Redis is fit to keep jobs, and our key the one of its secrets; asked once at the start."""

import asyncio
import sys

import structlog
from redis.asyncio import Redis

from shared import keyspace, store
from shared.errors import Damaged
from shared.settings import Settings
from shared.vault import Unsealable, Vault

log = structlog.get_logger()


def require_fit(settings: Settings, vault: Vault | None = None) -> None:
    """End the process with one line if this Redis drops jobs when memory is short; warn if it keeps no log.

    So too if it holds secrets that the vault cannot open.

    While Redis is away there is nothing to ask, and the service starts all the same.
    """
    asyncio.run(_ask(settings, vault))


async def _ask(settings: Settings, vault: Vault | None) -> None:
    async with store.connect(settings) as redis:
        try:
            facts = {**await redis.info("memory"), **await redis.info("persistence")}
            if vault is not None:
                await _require_known(redis, vault)
        except (Damaged, *store.AWAY) as error:
            log.warning("redis_away", error=repr(error))
            return
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        sys.exit(f"RECURO_REDIS_URL: this Redis drops jobs when memory is short ({policy}); set noeviction")
    if str(facts.get("aof_enabled")) != "1":
        log.warning("redis_keeps_no_log", remedy="set appendonly yes, or a crash of Redis loses jobs")


async def _require_known(redis: Redis, vault: Vault) -> None:
    """The first service to start here leaves a sealed text, and every later one must open it."""
    await redis.set(keyspace.sealed(), vault.seal("recuro", "check"), nx=True)
    try:
        vault.open(await redis.get(keyspace.sealed()) or "", "check")
    except Unsealable:
        sys.exit("RECURO_ENCRYPTION_KEY is not the key of this Redis' secrets: add that one after a comma")
