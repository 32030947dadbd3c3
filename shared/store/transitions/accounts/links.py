"""Links and sign-ins that wait: codes that are good for one use."""

from redis.asyncio import Redis

from shared.store import keyspace
from shared.store.transitions.functions import Function
from shared.store.writes import OURS, Write

_KEEP_LINK = Function("keep_link")
_TAKE_LINK = Function("take_link")
_KEEP_FLOW = Function("keep_flow")
_TAKE_FLOW = Function("take_flow")
_ACCOUNTS = keyspace.prefix(keyspace.GLOBAL)


async def keep_link(
    redis: Redis,
    *,
    link: str,
    purpose: str,
    user: int,
    version: str | None = None,
    expires: int,
    alone: bool,
    now_ms: int,
    write: Write = OURS,
) -> bool:
    """Keep a code, of which `link` is the digest, for a user; whether there is that user.

    With a `version` it has to be that one still. With `alone` a code of that purpose before is worth nothing
    any more. A `write` leaves a line in the trail of each of the user's teams.
    """
    kept = await _KEEP_LINK(
        redis,
        _ACCOUNTS,
        write=write,
        link=link,
        purpose=purpose,
        user=user,
        version=version,
        expires=expires,
        alone=alone,
        now_ms=now_ms,
    )
    return bool(kept)


async def take_link(redis: Redis, *, link: str, purpose: str, now_ms: int) -> int | None:
    """Use a code up; whose it was, or None if it is worth nothing."""
    user = await _TAKE_LINK(redis, _ACCOUNTS, link=link, purpose=purpose, now_ms=now_ms)
    return int(user) or None


async def keep_flow(redis: Redis, *, link: str, browser: str, after: str, expires: int, now_ms: int) -> None:
    """Keep that a browser went to the provider; digests of the state, and of what its cookie has."""
    await _KEEP_FLOW(
        redis, _ACCOUNTS, link=link, browser=browser, after=after, expires=expires, now_ms=now_ms
    )


async def take_flow(redis: Redis, *, link: str, browser: str, now_ms: int) -> str | None:
    """Use it up for the same browser; where that goes on to, or None if it is worth nothing."""
    found: list[str] = await _TAKE_FLOW(redis, _ACCOUNTS, link=link, browser=browser, now_ms=now_ms)
    return found[0] if found else None
