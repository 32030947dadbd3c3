"""How often a limited token calls and starts runs: counted in Redis for all processes, in hours and days."""

from contextlib import suppress

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from shared import clock
from shared.errors import TooManyCalls
from shared.security.limits import Limits
from shared.store import keyspace, moments, transitions
from shared.store.connection import OutcomeUnknown
from shared.store.transitions import Window

_PERIODS = {"hour": 3600, "day": 86_400}


class Meter:
    """Of one call: what it counted, and what the token may still do."""

    def __init__(self, redis: Redis, digest: str, limits: Limits) -> None:
        self._redis, self._digest, self._limits = redis, digest, limits
        self.windows: tuple[Window, ...] = ()
        self._counted_ms = 0

    async def count(self, *, calls: int = 0, runs: int = 0) -> None:
        """Count them; raises TooManyCalls if there is no room for all, and then counts none."""
        self._counted_ms = clock.milliseconds(await moments.now(self._redis, keyspace.SHARDS[0]))
        try:
            full = await self._count(calls=calls, runs=runs)
        except OutcomeUnknown as error:  # what is counted may be, and of the call itself nothing was done
            raise RedisConnectionError(str(error)) from error
        for window in self.windows:
            if window.name == full:
                raise TooManyCalls(_said(window, runs), full.partition("-")[0], window.ends_in_ms / 1000)

    async def give_back(self, runs: int) -> None:
        """Count these runs no more, which were counted last: they were refused."""
        with suppress(RedisError):  # the refusal is what the caller has to know
            await self._count(runs=-runs)

    async def _count(self, *, calls: int = 0, runs: int = 0) -> str:
        full, windows = await transitions.count_use(
            self._redis,
            digest=self._digest,
            calls=calls,
            runs=runs,
            most=self._limits.most,
            now_ms=self._counted_ms,
        )
        self.windows = tuple(windows)
        return full

    @property
    def headers(self) -> dict[str, str]:
        """What an answer says of it, as draft-ietf-httpapi-ratelimit-headers-10 has it."""
        if not self.windows:
            return {}
        policies = (f'"{one.name}";q={one.most};w={_seconds(one)}' for one in self.windows)
        states = (f'"{one.name}";r={one.left};t={-(-one.ends_in_ms // 1000)}' for one in self.windows)
        return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)}


def _seconds(window: Window) -> int:
    return _PERIODS[window.name.partition("-")[2]]


def _said(window: Window, runs: int) -> str:
    what, _, period = window.name.partition("-")
    an = {"hour": "an hour", "day": "a day"}[period]
    if what == "calls":
        return f"The token has made its {window.most} calls {an}"
    return (
        f"The token may start {window.most} jobs, runs and replays {an}; {window.left} of them are left, and "
        f"this would be {runs}: nothing was done"
    )
