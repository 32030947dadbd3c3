"""The first token: registered at start, as soon as Redis is there, so that somebody can come in."""

import asyncio

import structlog
from pydantic import SecretStr
from redis.asyncio import Redis

from shared.errors import Damaged
from shared.security import tokens
from shared.store.connection import AWAY

PAUSE_SECONDS = 0.5
LOOK_SECONDS = 3.0

log = structlog.get_logger()


async def register(redis: Redis, token: SecretStr) -> bool:
    """Whether the token is now known; False if Redis is away."""
    secret = token.get_secret_value()
    try:
        await tokens.register_bootstrap(redis, secret)
    except (Damaged, *AWAY) as error:
        log.warning("redis_away", error=repr(error))
        return False
    log.info("bootstrap_token_registered")
    return True


async def keep_registered(redis: Redis, token: SecretStr, *, registered: bool) -> None:
    """Register the token once Redis is there, and again should Redis come back empty."""
    while True:
        await asyncio.sleep(LOOK_SECONDS if registered else PAUSE_SECONDS)
        try:
            registered = registered and await tokens.are_known(redis)
        except (Damaged, *AWAY):
            continue  # said by whoever needs Redis more
        registered = registered or await register(redis, token)
