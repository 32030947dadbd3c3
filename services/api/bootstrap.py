"""The first token: registered at start, as soon as Redis is there."""

import asyncio

import structlog
from pydantic import SecretStr
from redis.asyncio import Redis

from shared import tokens
from shared.store import AWAY

PAUSE_SECONDS = 0.5

log = structlog.get_logger()


async def register(redis: Redis, token: SecretStr) -> bool:
    """Whether the token is now known; False if Redis is away."""
    secret = token.get_secret_value()
    try:
        await tokens.create(redis, team="default", name="bootstrap", scopes=("admin",), token=secret)
    except AWAY as error:
        log.warning("redis_away", error=repr(error))
        return False
    log.info("bootstrap_token_registered")
    return True


async def keep_trying(redis: Redis, token: SecretStr) -> None:
    """Return when the token is registered."""
    while True:
        await asyncio.sleep(PAUSE_SECONDS)
        if await register(redis, token):
            return
