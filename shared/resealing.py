"""All that is sealed in Redis, sealed anew with the first key, so that the others can be forgotten."""

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from pydantic_core import from_json
from redis.asyncio import Redis

from shared import durability, keyspace, transitions
from shared.addresses import origin_of
from shared.errors import Damaged
from shared.notifications import HOOKS
from shared.vault import Unsealable, Vault, is_sealed

PAGE = 500
_TRIES = 5


@dataclass(slots=True)
class Count:
    """How many texts were looked at and sealed anew, and by their keys which do not open, or are damaged."""

    seen: int = 0
    resealed: int = 0
    locked: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether nothing needs another key than the first any more."""
        return not self.locked and not self.damaged


@dataclass(frozen=True, slots=True)
class _Place:
    """Where texts of a kind are, and how one of a team is sealed anew; raises Unsealable."""

    keys: str
    field: str
    reseal: Callable[[Vault, int, str], str]
    has_version: bool = False


async def reseal_all(redis: Redis, vault: Vault) -> Count:
    """Go once over everything, beside whatever runs; if that is complete, only the first key is needed.

    A process that still has another key first seals with that: start them all with the new one before.
    """
    count = Count()
    for shard in keyspace.SHARDS:
        for place in _PLACES:
            async for key in _found(redis, shard, place):
                await _reseal(redis, vault, (shard, key, place), count)
    if count.is_complete:
        await durability.forget_other_keys(redis, vault)
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
    except (Damaged, ValueError, LookupError, TypeError, AttributeError):  # nothing that anybody can read
        count.damaged.append(key)
    else:
        count.locked.append(key)


async def _is_sealed_anew(redis: Redis, vault: Vault, where: tuple[str, str, _Place], count: Count) -> bool:
    """False if others changed it meanwhile."""
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
    """What was asked of a job or cron: every other byte stays."""
    spec = from_json(text)
    kept = {name: value for name, value in (spec.get("headers") or {}).items() if is_sealed(value)}
    if not kept:
        return text
    anew = vault.reseal_headers(kept, team, origin_of(spec["url"]))
    for name, value in kept.items():
        text = text.replace(_quoted(value), _quoted(anew[name]))
    return text


def _quoted(value: str) -> str:
    """As in the JSON of both of our writers: a sealed text has nothing but a NUL to escape."""
    return json.dumps(value)


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


_PLACES = (
    _Place("b:*", "", _spec),
    _Place("c:*", "spec", _spec, has_version=True),
    _Place("t:*", "signing", _signing),
    _Place("t:*", "notifications", _notifications),
)
