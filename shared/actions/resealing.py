"""Seal all secrets in Redis again with the first key, so that the other keys can be dropped."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from shared.actions.notifications import HOOKS
from shared.actions.redaction import of_jobs
from shared.errors import Damaged
from shared.runtime import preflight
from shared.security import second_factor
from shared.security.destinations import origin_of
from shared.security.vault import Unsealable, Vault, is_sealed
from shared.store import keyspace, transitions
from shared.store.stored import LAST_OF_SPEC

PAGE = 500
_TRIES = 5


@dataclass(slots=True)
class Count:
    """How many texts were read and sealed again, and where those are that do not open or are damaged."""

    seen: int = 0
    resealed: int = 0
    locked: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether no text needs any key but the first any more."""
        return not self.locked and not self.damaged


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the texts of a kind are, and how one of a team or user is sealed again; raises Unsealable."""

    keys: str
    field: str
    reseal: Callable[[Vault, int, str], str]
    has_version: bool = False
    shards: Sequence[str] = keyspace.SHARDS


async def reseal_all(redis: Redis, vault: Vault) -> Count:
    """Go once over everything while services run; if that is complete, only the first key is needed.

    A process that has another key first still seals with that: restart all with the new key first.
    """
    count = Count()
    for place in _PLACES:
        for shard in place.shards:
            async for key in _found(redis, shard, place):
                await _reseal(redis, vault, (shard, key, place), count)
    if count.is_complete:
        await preflight.forget_other_keys(redis, vault)
    return count


async def _found(redis: Redis, shard: str, place: _Place) -> AsyncIterator[str]:
    prefix = keyspace.prefix(shard)
    async for key in redis.scan_iter(prefix + place.keys, count=PAGE):
        yield key.removeprefix(prefix)


async def _reseal(redis: Redis, vault: Vault, where: tuple[str, str, _Place], count: Count) -> None:
    key = where[1]
    count.seen += 1
    try:
        for _ in range(_TRIES):
            if await _is_sealed_anew(redis, vault, where, count):
                return
    except Unsealable:
        count.locked.append(key)
    except (Damaged, ValueError, LookupError, TypeError, AttributeError):  # no process can read it
        count.damaged.append(key)
    else:
        count.locked.append(key)


async def _is_sealed_anew(redis: Redis, vault: Vault, where: tuple[str, str, _Place], count: Count) -> bool:
    """Replace the text; False if somebody else changed it meanwhile."""
    shard, key, place = where
    name, team = keyspace.prefix(shard) + key, int(key.split(":")[1])
    text = await (redis.hget(name, place.field) if place.field else redis.get(name))  # type: ignore[misc]
    anew = place.reseal(vault, team, text) if text else text
    if anew == text:
        return True
    is_resealed = await transitions.reseal(
        redis,
        shard,
        name=key,
        field=place.field or None,
        before=text,
        after=anew,
        has_version=place.has_version,
    )
    count.resealed += int(is_resealed)
    return is_resealed


def _spec(vault: Vault, team: int, text: str) -> str:
    """The spec of a job or cron with its secrets sealed again; every other byte stays."""
    spec = from_json(text)
    kept = {name: value for name, value in (spec.get("headers") or {}).items() if is_sealed(value)}
    if body := spec.get(LAST_OF_SPEC):
        anew_body = vault.reseal(body, *of_jobs.body_place(team, spec["url"]))
        text = text.replace(_quoted(body), _quoted(anew_body))
    if not kept:
        return text
    anew = vault.reseal_headers(kept, team, origin_of(spec["url"]))
    for name, value in kept.items():
        text = text.replace(_quoted(value), _quoted(anew[name]))
    return text


def _quoted(value: str) -> str:
    """The sealed text as both of our JSON writers write it: only its NUL must be escaped."""
    return json.dumps(value)


def _change(vault: Vault, team: int, text: str) -> str:
    """Of a replay, which has its secrets sealed for several servers."""
    kept = from_json(text)
    sealed = kept["sealed"]
    for origin, headers in sealed.items():
        sealed[origin] = vault.reseal_headers(headers, team, origin)
    return to_json(kept).decode()


def _signing(vault: Vault, team: int, text: str) -> str:
    newest, *before = text.split(" ")
    anew = [vault.reseal(sealed, team, "signing") for sealed in (newest, *before[:1])]
    return " ".join([*anew, *before[1:]])


def _notifications(vault: Vault, team: int, text: str) -> str:
    kept = from_json(text)
    for name in HOOKS:
        if hook := kept.get(name):
            hook["url"] = vault.reseal(hook["url"], team, "channel", name)
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)


def _second_factor(vault: Vault, user: int, text: str) -> str:
    return vault.reseal(text, *second_factor.place(user))


_PLACES = (
    _Place("b:*", "", _spec),
    _Place("replay_change:*", "", _change),
    _Place("c:*", "spec", _spec, has_version=True),
    _Place("t:*", "signing", _signing),
    _Place("t:*", "notifications", _notifications),
    _Place("user:*", "totp", _second_factor, has_version=True, shards=(keyspace.GLOBAL,)),
    _Place("user:*", "totp_new", _second_factor, has_version=True, shards=(keyspace.GLOBAL,)),
)
