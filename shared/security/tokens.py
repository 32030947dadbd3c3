"""API tokens and their teams; only a token's SHA-256 is stored, and its first digits are the token's id."""

import hashlib
import re
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeVar

import structlog
from redis.asyncio import Redis

from shared import clock
from shared.errors import Damaged, Forbidden, NotFound, TooManyGuesses, Unauthenticated
from shared.security.brake import Brake
from shared.store import keyspace, moments
from shared.store.keyspace import Team

SCOPES = ("read", "write", "admin")
CACHE_SECONDS = 5.0
ID_DIGITS = 12
BOOTSTRAP = "bootstrap"
BOOTSTRAP_TEAM = "default"
DAMAGED = "(damaged)"
"""Shown as the name of a token whose record cannot be read."""
_CACHE_SIZE = 4096
_PAGE = 500

_MADE_BY_US = re.compile(r"rc_[\w-]{43}", re.ASCII)
Known = TypeVar("Known")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Caller:
    """The team that calls, and the scopes of its token."""

    team: Team
    scopes: frozenset[str]
    token: str = ""
    """The id of the token."""
    name: str = ""
    """What the token was called when it was made."""
    user: int | None = None
    """Whose it is; of nobody is what an operator made, who may do what the owner may."""

    def has(self, scope: str) -> bool:
        return bool(self.scopes & set(SCOPES[SCOPES.index(scope) :]))

    def may(self, scope: str) -> None:
        """Raise Forbidden unless the scope is covered: `write` includes `read`, `admin` includes both."""
        if not self.has(scope):
            raise Forbidden(f"The token lacks the {scope} scope")


@dataclass(frozen=True, slots=True)
class Listed:
    """A token as the operator sees it; `created_ms` is 0 if it is not known."""

    digest: str
    team: str
    name: str
    scopes: tuple[str, ...]
    created_ms: int

    @property
    def id(self) -> str:
        """The first digits of the digest: enough to name the token."""
        return self.digest[:ID_DIGITS]

    @property
    def is_bootstrap(self) -> bool:
        """Whether it has the bootstrap token's name."""
        return (self.team, self.name, self.scopes) == (BOOTSTRAP_TEAM, BOOTSTRAP, ("admin",))


class Callers:
    """Finds the caller of a token, cached for 5 s a process so that a busy client costs one look-up.

    Guesses are slowed down. A token that was right or wrong in this process before is no guess, nor is one
    that other requests bring at the same time. A token in the form of those that we make cannot be guessed:
    it is looked up in any case, so that nobody can lock it out.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._right: OrderedDict[str, tuple[float, Caller]] = OrderedDict()
        self._wrong: OrderedDict[str, None] = OrderedDict()
        self._guessed: set[str] = set()
        """Digests of tokens that are being looked up for the first time."""
        self._brake = Brake()

    async def caller_of(self, token: str | None, address: str = "") -> Caller:
        """The caller of a bearer token; raises Unauthenticated, or TooManyGuesses from that address."""
        if not token:
            raise Unauthenticated("Missing authorization token")
        digest = digest_of(token)
        until, caller = self._right.get(digest, (0.0, None))
        if caller is not None and until >= time.monotonic():
            return caller
        if caller is not None or digest in self._wrong or digest in self._guessed:
            return await self._look_up_and_note(digest)
        return await self._guess(token, digest, address)

    async def _guess(self, token: str, digest: str, address: str) -> Caller:
        wait = self._brake.wait_seconds(address)
        if wait and not _MADE_BY_US.fullmatch(token):
            raise TooManyGuesses(wait)
        self._guessed.add(digest)
        try:
            return await self._look_up_and_note(digest)
        except Unauthenticated:
            if wait:
                raise TooManyGuesses(wait) from None
            raise
        finally:
            self._guessed.discard(digest)
            if not wait and digest not in self._wrong:  # it was right, or it is not known yet
                self._brake.give_back(address)

    async def _look_up_and_note(self, digest: str) -> Caller:
        try:
            caller = await _look_up(self._redis, digest)
        except Unauthenticated:
            self._right.pop(digest, None)
            _note(self._wrong, digest, None)
            raise
        self._wrong.pop(digest, None)
        _note(self._right, digest, (time.monotonic() + CACHE_SECONDS, caller))
        return caller


def _note(notes: OrderedDict[str, Known], digest: str, value: Known) -> None:
    """Remember it as the newest of at most 4,096."""
    notes[digest] = value
    notes.move_to_end(digest)
    if len(notes) > _CACHE_SIZE:
        notes.popitem(last=False)


async def create(
    redis: Redis, *, team: str, name: str, scopes: tuple[str, ...], token: str | None = None
) -> str:
    """Make a token, or register the given one, for the team of that name, which is made if new; return it."""
    token = token or f"rc_{secrets.token_urlsafe(32)}"
    team_id = await _team_named(redis, team)
    fields = {"team": team_id, "name": name, "scopes": ",".join(scopes)}
    created = clock.milliseconds(await moments.now(redis, keyspace.SHARDS[0]))
    await redis.hset(keyspace.token(digest_of(token)), mapping={**fields, "created": created})  # type: ignore[misc]
    return token


async def register_bootstrap(redis: Redis, token: str) -> None:
    """Register the token as the first team's admin; bootstrap tokens before it end."""
    digest = digest_of(token)
    before: set[str] = await redis.smembers(keyspace.bootstrap())  # type: ignore[misc]
    before = before or {one.digest for one in await listed(redis) if one.is_bootstrap}  # of older versions
    await redis.sadd(keyspace.bootstrap(), digest, *before)  # type: ignore[misc]
    await create(redis, team=BOOTSTRAP_TEAM, name=BOOTSTRAP, scopes=("admin",), token=token)
    for replaced in sorted(before - {digest}):
        await redis.delete(keyspace.token(replaced))
        await redis.srem(keyspace.bootstrap(), replaced)  # type: ignore[misc]
        log.warning("bootstrap_token_replaced", ended=replaced[:ID_DIGITS])


async def listed(redis: Redis) -> list[Listed]:
    """Every token of every team, oldest first; a damaged one is listed, though nobody can use it."""
    found = []
    async for key in redis.scan_iter(keyspace.token("*"), count=_PAGE):
        digest = key.removeprefix(keyspace.token(""))
        try:
            if fields := await redis.hgetall(key):  # type: ignore[misc]
                found.append(await _listed(redis, digest, fields))
        except Damaged:
            found.append(Listed(digest, "", DAMAGED, (), 0))
    return sorted(found, key=lambda token: (token.created_ms, token.digest))


async def revoke(redis: Redis, token_id: str) -> Listed:
    """Revoke a token; it is refused after 5 s at the latest. Raises NotFound."""
    for token in await listed(redis):
        if token.id == token_id:
            await redis.delete(keyspace.token(token.digest))
            return token
    raise NotFound("Token")


async def end_all(redis: Redis, team_id: int) -> None:
    """Remove all tokens of a team."""
    async for key in redis.scan_iter(keyspace.token("*"), count=_PAGE):
        if await redis.hget(key, "team") == str(team_id):  # type: ignore[misc]
            await redis.delete(key)


async def are_known(redis: Redis) -> bool:
    """Whether this Redis has any team; one that lost its data has none."""
    return bool(await redis.exists(keyspace.teams()))


async def keys_of_others(redis: Redis) -> int | None:
    """How many keys are in a Redis that no service of ours has ever used; None if one has."""
    if await redis.exists(keyspace.teams(), keyspace.sealed()):
        return None
    return int(await redis.dbsize())


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def _look_up(redis: Redis, digest: str) -> Caller:
    fields: dict[str, str] = await redis.hgetall(keyspace.token(digest))  # type: ignore[misc]
    if not fields:
        raise Unauthenticated("Invalid authorization token")
    team_id, scopes = fields.get("team", ""), fields.get("scopes", "").split(",")
    if not team_id.isdecimal() or not set(scopes) & set(SCOPES):
        raise Damaged("it names no team and scope", "The record of this token")
    shard, deleted = await redis.hmget(keyspace.team(team_id), ["shard", "deleted"])  # type: ignore[misc]
    if deleted:
        raise Unauthenticated("Invalid authorization token")
    team = Team(int(team_id), shard if shard in keyspace.SHARDS else keyspace.SHARDS[0])
    return Caller(team, frozenset(scopes), digest[:ID_DIGITS], fields.get("name", ""))


async def _listed(redis: Redis, digest: str, fields: dict[str, str]) -> Listed:
    team, created = fields.get("team", ""), fields.get("created", "")
    return Listed(
        digest=digest,
        team=await redis.hget(keyspace.team(team), "name") or team,  # type: ignore[misc]
        name=fields.get("name", ""),
        scopes=tuple(fields.get("scopes", "").split(",")),
        created_ms=int(created) if created.isdecimal() else 0,
    )


async def _team_named(redis: Redis, name: str) -> int:
    known = await redis.hget(keyspace.teams(), name)  # type: ignore[misc]
    if known is None:
        team_id = await redis.hincrby(keyspace.global_ids(), "team", 1)  # type: ignore[misc]
        shard = keyspace.SHARDS[0]
        await redis.hset(keyspace.team(team_id), mapping={"name": name, "shard": shard})  # type: ignore[misc]
        # Two processes starting at once may both have counted; the first to claim the name has it.
        await redis.hsetnx(keyspace.teams(), name, team_id)  # type: ignore[misc]
        known = await redis.hget(keyspace.teams(), name)  # type: ignore[misc]
    return int(known or 0)
