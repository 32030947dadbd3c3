"""API tokens and the teams they act for; only a token's SHA-256 is stored."""

import hashlib
import secrets
import time
from dataclasses import dataclass

from redis.asyncio import Redis

from shared import clock, keyspace
from shared.errors import Forbidden, Unauthenticated
from shared.keyspace import Team

SCOPES = ("read", "write", "admin")
CACHE_SECONDS = 5.0
_CACHE_SIZE = 4096


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose call this is, and what the token covers."""

    team: Team
    scopes: frozenset[str]

    def has(self, scope: str) -> bool:
        return bool(self.scopes & set(SCOPES[SCOPES.index(scope) :]))

    def may(self, scope: str) -> None:
        """Pass, or raise Forbidden: `write` includes `read`, `admin` includes both."""
        if not self.has(scope):
            raise Forbidden(f"The token lacks the {scope} scope")


class Callers:
    """Token to caller, remembered for 5 s a process so that a busy client costs one look-up."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._known: dict[str, tuple[float, Caller]] = {}

    async def caller_of(self, token: str | None) -> Caller:
        """The caller of a bearer token; raises Unauthenticated."""
        if not token:
            raise Unauthenticated("Missing authorization token")
        digest = digest_of(token)
        until, caller = self._known.get(digest, (0.0, None))
        if caller is None or until < time.monotonic():
            caller = await _look_up(self._redis, digest)
            if len(self._known) >= _CACHE_SIZE:
                self._known.clear()
            self._known[digest] = (time.monotonic() + CACHE_SECONDS, caller)
        return caller


async def create(
    redis: Redis, *, team: str, name: str, scopes: tuple[str, ...], token: str | None = None
) -> str:
    """Make a token (or register the given one) for the team of that name, made if new; return it, once."""
    token = token or f"rc_{secrets.token_urlsafe(32)}"
    team_id = await _team_named(redis, team)
    fields = {"team": team_id, "name": name, "scopes": ",".join(scopes)}
    created = clock.milliseconds(clock.now())
    await redis.hset(keyspace.token(digest_of(token)), mapping={**fields, "created": created})  # type: ignore[misc]
    return token


async def are_known(redis: Redis) -> bool:
    """Whether this Redis knows any team; one that lost its data does not."""
    return bool(await redis.exists(keyspace.teams()))


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def _look_up(redis: Redis, digest: str) -> Caller:
    fields: dict[str, str] = await redis.hgetall(keyspace.token(digest))  # type: ignore[misc]
    if not fields:
        raise Unauthenticated("Invalid authorization token")
    shard = await redis.hget(keyspace.team(fields["team"]), "shard")  # type: ignore[misc]
    team = Team(int(fields["team"]), shard or keyspace.SHARDS[0])
    return Caller(team, frozenset(fields["scopes"].split(",")))


async def _team_named(redis: Redis, name: str) -> int:
    known = await redis.hget(keyspace.teams(), name)  # type: ignore[misc]
    if known is None:
        team_id = await redis.hincrby(keyspace.global_ids(), "team", 1)  # type: ignore[misc]
        shard = keyspace.SHARDS[0]
        await redis.hset(keyspace.team(team_id), mapping={"name": name, "shard": shard})  # type: ignore[misc]
        # Two starting at once may both have counted; the first to claim the name has it.
        await redis.hsetnx(keyspace.teams(), name, team_id)  # type: ignore[misc]
        known = await redis.hget(keyspace.teams(), name)  # type: ignore[misc]
    return int(known or 0)
