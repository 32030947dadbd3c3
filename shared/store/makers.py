"""Who made a record: a short text in it, whose name is looked up as the record is read."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from redis.asyncio import Redis

from shared.errors import Damaged
from shared.schemas.accounts.makers import Maker
from shared.schemas.crons import Cron, CronWithWarnings
from shared.schemas.jobs import Job
from shared.schemas.queues import Queue
from shared.store import transitions
from shared.store.connection import AWAY
from shared.store.keyspace import Team
from shared.store.records import Fields

NAME_BYTES = 40
"""Of a program's name: with it the text stays below 64 bytes, where a record grows much."""
_DIGITS = 16
_LETTERS = {"user": "u", "token": "t", "mcp": "m"}
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}
_REPLAY = "replay"


M = TypeVar("M", Job, Cron, CronWithWarnings, Queue)


def code_of(kind: str, maker_id: int, name: str = "") -> str | None:
    """What a record keeps of who made it, as `t:12` or `m:12:claude-code`; nothing of nobody known."""
    if not maker_id:
        return None
    cut = name.encode(errors="replace")[:NAME_BYTES].decode(errors="ignore")
    return f"{_LETTERS[kind]}:{maker_id}{f':{cut}' if cut else ''}"


def of(fields: Fields) -> Maker | None:
    """Who made the record of these fields, without a name that is looked up."""
    letter, _, rest = fields.get("by", "").partition(":")
    number, _, name = rest.partition(":")
    if letter in _KINDS and _is_id(number):
        return Maker(kind=_KINDS[letter], id=int(number), name=name or None)
    if _is_id(replay := fields.get(_REPLAY, "")):
        return Maker(kind=_REPLAY, id=int(replay), name=None)
    return None


def _is_id(text: str) -> bool:
    return text.isdecimal() and len(text) <= _DIGITS


async def named(
    redis: Redis, team: Team, rows: Sequence[M], known: Mapping[str, str] = MappingProxyType({})
) -> list[M]:
    """The rows, of which each says by name who made it; without names if they cannot be had.

    The names that are `known` are not looked up.
    What was written is written: that a name could not be read must not make it look lost.
    """
    try:
        names = await names_of(redis, team, [row.created_by for row in rows], known)
    except (Damaged, *AWAY):
        return list(rows)
    return [row.model_copy(update={"created_by": with_name(row.created_by, names)}) for row in rows]


async def named_one(redis: Redis, team: Team, row: M) -> M:
    return (await named(redis, team, [row]))[0]


async def names_of(
    redis: Redis,
    team: Team,
    makers: Iterable[Maker | None],
    known: Mapping[str, str] = MappingProxyType({}),
) -> Mapping[str, str]:
    """What they are called now, by what is looked up of them; one call, if any."""
    codes = {code for maker in makers if (code := _looked_up(maker)) and code not in known}
    if not codes:
        return known
    return {**known, **await transitions.name_makers(redis, team=team.id, codes=sorted(codes))}


def with_name(maker: Maker | None, names: Mapping[str, str]) -> Maker | None:
    if maker is None or (name := names.get(_looked_up(maker) or "")) is None:
        return maker
    return maker.model_copy(update={"name": name})


def _looked_up(maker: Maker | None) -> str | None:
    """What its name is found by; a program that gave none is called as its token."""
    if maker is None or maker.name is not None or maker.kind == _REPLAY:
        return None
    return f"{_LETTERS['user' if maker.kind == 'user' else 'token']}:{maker.id}"
