"""Codes that are good for one use, of which Redis has the SHA-256 alone, and the addresses of their pages."""

from enum import StrEnum

from redis.asyncio import Redis

from shared import clock
from shared.errors import NotFound
from shared.security.sessions import new_secret
from shared.security.tokens import ID_DIGITS, digest_of
from shared.store import account_keys, keyspace, moments
from shared.store.transitions import accounts
from shared.store.writes import OURS, Write

MINUTE_MILLISECONDS = 60_000


class Purpose(StrEnum):
    """What a code is for."""

    SIGN_IN = "sign_in"
    RESET = "reset"
    CODE = "code"
    """A sign-in whose password was right, and which waits for a code of the second factor."""


VALID_MINUTES = {Purpose.SIGN_IN: 15, Purpose.RESET: 60, Purpose.CODE: 10}
PATHS = {Purpose.SIGN_IN: "/sign-in/link", Purpose.RESET: "/reset"}


async def make(
    redis: Redis, purpose: Purpose, user: int, write: Write = OURS, *, version: str | None = None
) -> str:
    """A code for a user; one that was made before for the same purpose is worth nothing any more.

    Sign-ins that wait stand side by side. `write` is of who makes it for somebody else. Raises NotFound, with
    a `version` also if the user has another one by now.
    """
    code = new_secret()
    now_ms = clock.milliseconds(await moments.now(redis, keyspace.SHARDS[0]))
    kept = await accounts.keep_link(
        redis,
        link=digest_of(code),
        purpose=purpose.value,
        user=user,
        version=version,
        expires=now_ms + VALID_MINUTES[purpose] * MINUTE_MILLISECONDS,
        alone=purpose is not Purpose.CODE,
        now_ms=now_ms,
        write=write,
    )
    if not kept:
        raise NotFound("User")
    return code


async def take(redis: Redis, purpose: Purpose, code: str) -> int:
    """Use a code up; whose it was. Raises NotFound if it was used before, or is too old or none."""
    now_ms = clock.milliseconds(await moments.now(redis, keyspace.SHARDS[0]))
    user = await accounts.take_link(redis, link=digest_of(code), purpose=purpose.value, now_ms=now_ms)
    if user is None:
        raise NotFound("Link")
    return user


async def look(redis: Redis, purpose: Purpose, code: str) -> int:
    """Whose a code is that was not used; it is still to be used. Raises NotFound."""
    found = await redis.hmget(account_keys.link(digest_of(code)), ["purpose", "user", "expires"])  # type: ignore[misc]
    kind, user, expires = found
    now_ms = clock.milliseconds(await moments.now(redis, keyspace.SHARDS[0]))
    if kind != purpose.value or now_ms >= int(expires):
        raise NotFound("Link")
    return int(user)


def name_of(code: str) -> str:
    """What names a code and reveals nothing of it."""
    return digest_of(code)[:ID_DIGITS]


def address_of(base: str, purpose: Purpose, code: str) -> str:
    """The page that takes it; `base` is where the pages are."""
    return f"{base}{PATHS[purpose]}/{code}"
