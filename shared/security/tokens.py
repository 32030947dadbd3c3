"""API tokens and their teams; only a token's SHA-256 is stored, whose first digits name it in logs."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeVar

import structlog
from redis.asyncio import Redis

from shared import clock
from shared.basics import token_text
from shared.errors import Damaged, Invalid, NotFound, NoToken, TooManyGuesses, Unauthenticated
from shared.schemas.accounts.tokens import SCOPES as SCOPES
from shared.security.brake import Brake
from shared.security.caller import ID_DIGITS as ID_DIGITS
from shared.security.caller import Caller, look_up
from shared.security.listed import BOOTSTRAP as BOOTSTRAP
from shared.security.listed import BOOTSTRAP_TEAM as BOOTSTRAP_TEAM
from shared.security.listed import Listed as Listed
from shared.security.listed import listed_as
from shared.security.uses import Uses
from shared.store import account_keys, keyspace, moments, transitions
from shared.store.together import Together
from shared.store.transitions import NewToken, TokenFields
from shared.store.writes import OURS, Write

CACHE_SECONDS = 5.0
OPERATOR = "operator"
"""Who makes a token at the command line."""
DAMAGED = "(damaged)"
"""Shown as the name of a token whose record cannot be read."""
_CACHE_SIZE = 4096
_PAGE = 500
_RENEWALS = 32
"""Tokens that are looked up at once for those who waited."""

Known = TypeVar("Known")

log = structlog.get_logger()


class Callers:
    """Finds the caller of a token, cached for 5 s a process so that a busy client costs one look-up.

    Guesses are slowed down. A token that was right or wrong in this process before is no guess, nor is one
    that other requests bring at the same time. A token in the form of those that we make cannot be guessed:
    it is looked up in any case, so that nobody can lock it out; one with a wrong checksum is in no case.
    """

    def __init__(self, redis: Redis, interface: str = "rest", brake: Brake | None = None) -> None:
        self._redis = redis
        self.uses = Uses(redis, interface)
        self._right: OrderedDict[str, tuple[float, Caller]] = OrderedDict()
        self._wrong: OrderedDict[str, None] = OrderedDict()
        self._guessed: set[str] = set()
        """Digests of tokens that are being looked up for the first time."""
        self._brake = brake or Brake()
        self._renewals = Together(self._look_up_many, _RENEWALS)

    async def caller_of(self, token: str | None, address: str = "") -> Caller:
        """The caller of a bearer token; raises Unauthenticated, or TooManyGuesses from that address."""
        if not token:
            raise NoToken
        digest = digest_of(token)
        until, caller = self._right.get(digest, (0.0, None))
        if caller is not None and until >= time.monotonic():
            return caller
        if caller is not None or digest in self._wrong or digest in self._guessed:
            return await self._judge(token, digest, address)
        return await self._guess(token, digest, address)

    async def as_now(self, caller: Caller, address: str = "") -> Caller:
        """The caller of a request that took long, as its token is now; raises Unauthenticated.

        Of all that ask at once for the same token one looks it up.
        """
        until, known = self._right.get(caller.digest, (0.0, None))
        if known is not None and until >= time.monotonic():
            return known
        found = await self._renewals.get((caller.digest, address))
        if isinstance(found, BaseException):
            raise found
        return found

    async def _look_up_many(self, ones: Sequence[tuple[str, str]]) -> Sequence[Caller | BaseException]:
        return await asyncio.gather(*(self._look_up_and_note(*one) for one in ones), return_exceptions=True)

    async def _guess(self, token: str, digest: str, address: str) -> Caller:
        wait = self._brake.wait_seconds(address)
        if wait and not token_text.is_random(token):
            raise TooManyGuesses(wait)
        self._guessed.add(digest)
        try:
            return await self._judge(token, digest, address)
        except Unauthenticated:
            if wait:
                raise TooManyGuesses(wait) from None
            raise
        finally:
            self._guessed.discard(digest)
            if not wait and digest not in self._wrong:  # it was right, or it is not known yet
                self._brake.give_back(address)

    async def _judge(self, token: str, digest: str, address: str) -> Caller:
        if token_text.is_mistyped(token):
            _note(self._wrong, digest, None)
            raise Unauthenticated("Invalid authorization token")
        return await self._look_up_and_note(digest, address)

    async def _look_up_and_note(self, digest: str, address: str) -> Caller:
        try:
            found = await look_up(self._redis, digest)
        except Unauthenticated:
            self._right.pop(digest, None)
            _note(self._wrong, digest, None)
            raise
        self._wrong.pop(digest, None)
        _note(self._right, digest, (time.monotonic() + CACHE_SECONDS, found))
        self.uses.note(digest, address, is_new=not found.id)
        return found


def _note(notes: OrderedDict[str, Known], digest: str, value: Known) -> None:
    """Remember it as the newest of at most 4,096."""
    notes[digest] = value
    notes.move_to_end(digest)
    if len(notes) > _CACHE_SIZE:
        notes.popitem(last=False)


async def create(
    redis: Redis,
    *,
    team: str,
    name: str,
    scopes: Collection[str],
    token: str | None = None,
    write: Write = OURS,
) -> str:
    """Make a token, or register the given one, for the team of that name, which is made if new; return it.

    One that is given stays in the team where it is: teams are renamed, and another may have the name by now.
    Raises Invalid if another token of the team has the name, which one that is given may share.
    """
    text = token or token_text.new()
    home = await _home_of(redis, [digest_of(token)]) if token else None
    team_id = home or await _team_named(redis, team)
    saved = await transitions.create_token(
        redis,
        team=team_id,
        fields=TokenFields(name, ",".join(scopes), ""),
        new=NewToken(digest_of(text), text[-token_text.SHOWN :]),
        created_by=OPERATOR,
        now_ms=clock.milliseconds(await moments.now(redis, keyspace.SHARDS[0])),
        may_share_name=token is not None,
        write=write,
    )
    if isinstance(saved, str):
        raise refused(saved)
    return text


def refused(why: str) -> Invalid:
    """Why no token was made: its name is "taken", or the team is "full"."""
    if why == "taken":
        return Invalid("name", "The name field must be unique: another token of the team has it.")
    return Invalid(
        "name", f"The team has {transitions.MOST_TOKENS} tokens, and no room for one more; delete one."
    )


async def register_bootstrap(redis: Redis, token: str) -> None:
    """Register the token as the first team's admin; bootstrap tokens before it end."""
    digest = digest_of(token)
    before: set[str] = await redis.smembers(account_keys.bootstrap())  # type: ignore[misc]
    before = before or {one.digest for one in await listed(redis) if one.is_bootstrap}  # of older versions
    await redis.sadd(account_keys.bootstrap(), digest, *before)  # type: ignore[misc]
    home = await _home_of(redis, [digest, *sorted(before)])
    team = await redis.hget(account_keys.team(home), "name") if home else BOOTSTRAP_TEAM  # type: ignore[misc]
    await create(redis, team=team or BOOTSTRAP_TEAM, name=BOOTSTRAP, scopes=("admin",), token=token)
    for replaced in sorted(before - {digest}):
        team = await redis.hget(account_keys.token(replaced), "team")  # type: ignore[misc]
        await _end(redis, replaced, int(team) if team and team.isdecimal() else None, OURS)
        log.warning("bootstrap_token_replaced", ended=replaced[:ID_DIGITS])


async def listed(redis: Redis) -> list[Listed]:
    """Every token of every team, oldest first; a damaged one is listed, though nobody can use it."""
    found = []
    async for key in redis.scan_iter(account_keys.token("*"), count=_PAGE):
        digest = key.removeprefix(account_keys.token(""))
        try:
            if fields := await redis.hgetall(key):  # type: ignore[misc]
                found.append(await listed_as(redis, digest, fields))
        except Damaged:
            found.append(Listed(digest, "", DAMAGED, (), 0))
    return sorted(found, key=lambda token: (token.created_ms, token.digest))


async def revoke(redis: Redis, token_id: str, write: Callable[[Listed], Write] = lambda _: OURS) -> Listed:
    """Revoke a token; it is refused after 5 s at the latest. Raises NotFound."""
    for token in await listed(redis):
        if token.id == token_id:
            await _end(redis, token.digest, token.team_id, write(token))
            return token
    raise NotFound("Token")


async def end_all(redis: Redis, team_id: int) -> None:
    """Remove all tokens of a team."""
    async for key in redis.scan_iter(account_keys.token("*"), count=_PAGE):
        if await redis.hget(key, "team") == str(team_id):  # type: ignore[misc]
            await _end(redis, key.removeprefix(account_keys.token("")), team_id, OURS)


async def _end(redis: Redis, digest: str, team_id: int | None, write: Write) -> None:
    if team_id is not None:
        await transitions.delete_token(redis, team=team_id, digest=digest, write=write)
    else:
        await redis.delete(account_keys.token(digest))  # nobody knows whose it was
    await redis.srem(account_keys.bootstrap(), digest)  # type: ignore[misc]


async def adopt(redis: Redis) -> None:
    """Give tokens of earlier versions ids, by which their teams find them; once an installation."""
    if await redis.exists(account_keys.adopted()):
        return
    digests = [
        key.removeprefix(account_keys.token(""))
        async for key in redis.scan_iter(account_keys.token("*"), count=_PAGE)
    ]
    for start in range(0, len(digests), _PAGE):
        await transitions.adopt_tokens(redis, digests[start : start + _PAGE])
    await redis.set(account_keys.adopted(), 1)


async def are_known(redis: Redis) -> bool:
    """Whether this Redis has any team; one that lost its data has none."""
    return bool(await redis.exists(account_keys.teams()))


async def keys_of_others(redis: Redis) -> int | None:
    """How many keys are in a Redis that no service of ours has ever used; None if one has."""
    if await redis.exists(account_keys.teams(), account_keys.sealed()):
        return None
    return int(await redis.dbsize())


def digest_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def has_ended(redis: Redis, token: str) -> bool:
    """Whether a token that was registered here was deleted or regenerated since."""
    return await are_known(redis) and not await redis.exists(account_keys.token(digest_of(token)))


async def team_of(redis: Redis, token: str) -> str:
    """What the team of a token is called."""
    team = await redis.hget(account_keys.token(digest_of(token)), "team")  # type: ignore[misc]
    return str(await redis.hget(account_keys.team(team), "name"))  # type: ignore[misc]


async def _home_of(redis: Redis, digests: Iterable[str]) -> int | None:
    """The team of the first of these tokens that has one."""
    for digest in digests:
        team = await redis.hget(account_keys.token(digest), "team")  # type: ignore[misc]
        if not team or not team.isdecimal():
            continue
        name, deleted = await redis.hmget(account_keys.team(team), ["name", "deleted"])  # type: ignore[misc]
        if name and not deleted:
            return int(team)
    return None


async def _team_named(redis: Redis, name: str) -> int:
    known = await redis.hget(account_keys.teams(), name)  # type: ignore[misc]
    if known is None:
        team_id = await redis.hincrby(account_keys.global_ids(), "team", 1)  # type: ignore[misc]
        shard = keyspace.SHARDS[0]
        await redis.hset(account_keys.team(team_id), mapping={"name": name, "shard": shard})  # type: ignore[misc]
        # Two processes starting at once may both have counted; the first to claim the name has it.
        if not await redis.hsetnx(account_keys.teams(), name, team_id):  # type: ignore[misc]
            await redis.delete(account_keys.team(team_id))
        known = await redis.hget(account_keys.teams(), name)  # type: ignore[misc]
    return int(known or 0)
