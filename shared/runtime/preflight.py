"""Check that Redis is fit to keep jobs and that our keys open its secrets, also after each restart of it."""

import asyncio
import sys
from collections.abc import Callable

import structlog
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError

from shared.errors import Damaged, Unfit
from shared.security.vault import Unsealable, Vault
from shared.settings import Settings
from shared.store import account_keys, connection

CHECKING = "checking Redis"
"""The name of the loop that runs `keep_fit`."""
LOOK_SECONDS = 5.0
_CHECK = ("recuro", "check")

log = structlog.get_logger()


def require_fit(settings: Settings, vault: Vault | None = None) -> None:
    """End the process with one line that says why this Redis is not fit; warn if it keeps no log.

    While Redis is away nothing can be checked, and the service starts all the same.
    """
    try:
        asyncio.run(_check_opened(settings, vault))
    except Unfit as error:
        sys.exit(str(error))


async def keep_fit(
    redis: Redis, vault: Vault | None = None, fit: Callable[[str], None] = lambda _: None
) -> None:
    """Check again whenever another Redis answers, or the same one after a restart; raises Unfit.

    `fit` is called with CHECKING each time all is well, so that a service shows no trouble that is over.
    """
    known = ""
    while True:
        answers = await redis.info("server")
        if answers.get("run_id") != known:
            await check(redis, vault)
            known = answers.get("run_id", "")
        fit(CHECKING)
        await asyncio.sleep(LOOK_SECONDS)


async def check(redis: Redis, vault: Vault | None = None) -> None:
    """Raises Unfit if Redis drops jobs when memory is short, or has secrets that the vault cannot open."""
    try:
        facts = {**await redis.info("memory"), **await redis.info("persistence")}
    except NoPermissionError:
        raise Unfit(
            "RECURO_REDIS_URL: its user may not run INFO, by which we check it; allow it +info"
        ) from None
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        raise Unfit(
            f"RECURO_REDIS_URL: this Redis drops jobs when memory is short ({policy}); set noeviction"
        )
    if str(facts.get("aof_enabled")) != "1":
        log.warning("redis_keeps_no_log", remedy="set appendonly yes, or a crash of Redis loses jobs")
    if vault is not None:
        await _require_known(redis, vault)


async def _check_opened(settings: Settings, vault: Vault | None) -> None:
    async with connection.connect(settings) as redis:
        try:
            await check(redis, vault)
        except (Damaged, *connection.AWAY) as error:
            log.warning("redis_away", error=connection.text_of(error), remedy=_remedy(error))


def _remedy(error: Exception) -> str:
    # It may also be inside the error of the connection that sent the password.
    if isinstance(error, AuthenticationError) or any(
        isinstance(arg, AuthenticationError) for arg in error.args
    ):
        return "RECURO_REDIS_URL: Redis refuses this user or password; we try again until it does not"
    return "we try again until it is there"


async def _require_known(redis: Redis, vault: Vault) -> None:
    """Each key leaves one text that it sealed; every process must be able to open all of them."""
    text = vault.seal(*_CHECK)
    await redis.set(account_keys.sealed(), text, nx=True)
    await redis.hsetnx(account_keys.seals(), vault.name, text)  # type: ignore[misc]
    texts = [await redis.get(account_keys.sealed()), *await redis.hvals(account_keys.seals())]  # type: ignore[misc]
    for sealed in texts:
        try:
            vault.open(sealed or "", *_CHECK[1:])
        except Unsealable:
            raise Unfit(
                "RECURO_ENCRYPTION_KEY lacks a key of this Redis' secrets: add that one after a comma; "
                "`recuro keys reseal` makes old ones superfluous"
            ) from None


async def forget_other_keys(redis: Redis, vault: Vault) -> None:
    """Forget these keys: nothing that they sealed is left."""
    text = vault.seal(*_CHECK)
    async with redis.pipeline(transaction=True) as pipe:
        pipe.set(account_keys.sealed(), text)
        pipe.delete(account_keys.seals())
        pipe.hset(account_keys.seals(), vault.name, text)
        await pipe.execute()
