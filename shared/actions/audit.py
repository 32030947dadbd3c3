"""The audit trail: what a write says of its changes, and how callers read it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic_core import to_json
from redis.asyncio import Redis

from shared.actions.searches import audit as searches
from shared.actions.searches.audit import LookedLine, is_of
from shared.schemas.accounts.audit import AuditLine, AuditPage, AuditQuery
from shared.schemas.base import Schema
from shared.security import vault
from shared.store import keyspace
from shared.store.keyspace import Team

LONGEST_CHARACTERS = 300
"""Of a text that a line shows."""
_STEP, _MOST_READ = 250, 10_000
"""Lines that are read at once, and for one answer: if so many do not fit, it says where to go on."""
_LARGEST = 2**64 - 1
"""Of both numbers of an id of a stream."""


class _Found(NamedTuple):
    """A line as it is stored; `id` as two numbers, so that lines of several streams are in order."""

    id: tuple[int, int]
    fields: Mapping[str, str]


def changes(before: Schema | None, after: Schema | None) -> str:
    """What differs, by field, as JSON; of what is new or gone all that is no default."""
    was, now = _fields_of(before, after), _fields_of(after, before)
    differing = {
        name: [_shown(name, was.get(name)), _shown(name, now.get(name))]
        for name in {**was, **now}
        if was.get(name) != now.get(name)
    }
    return to_json(differing).decode()


def made(**fields: str) -> str:
    """The same of something new that has these texts."""
    return to_json({name: [None, _shown(name, value)] for name, value in fields.items()}).decode()


def gone(**fields: str) -> str:
    """The same of something that had these texts, and has ended."""
    return to_json({name: [_shown(name, value), None] for name, value in fields.items()}).decode()


def changed(field: str, before: str, after: str) -> str:
    """The same of one field."""
    return to_json({field: [before, after]}).decode()


def _fields_of(model: Schema | None, other: Schema | None) -> Mapping[str, Any]:
    if model is None:
        return {}
    return model.model_dump(mode="json", exclude_defaults=other is None)


def _shown(name: str, value: Any) -> Any:
    if name == "headers":
        value = vault.shown(value)
    if isinstance(value, str):
        return value if len(value) <= LONGEST_CHARACTERS else f"{value[:LONGEST_CHARACTERS]}…"
    text = to_json(value).decode()
    return value if len(text) <= LONGEST_CHARACTERS else f"{text[:LONGEST_CHARACTERS]}…"


async def page(redis: Redis, team: Team, query: AuditQuery) -> AuditPage:
    """Lines newest first, those that fit."""
    wanted = await searches.understood(redis, team, query.q)
    fitting: list[AuditLine] = []
    exact = query.model_dump(include={"operation", "actor", "token", "interface"}, exclude_none=True)
    end, read = query.before, 0
    while read < _MOST_READ:
        found = await _older(redis, team, end)
        for one in found:
            end, read = "{}-{}".format(*one.id), read + 1
            line = LookedLine(one.fields)
            if query.after and line.at < query.after:
                return AuditPage(data=tuple(fitting), next=None)
            if _fits(line, query, exact) and wanted.finds(line):
                fitting.append(line.shown(end))
            if len(fitting) == query.limit:
                return AuditPage(data=tuple(fitting), next=end)
        if len(found) < _STEP:
            return AuditPage(data=tuple(fitting), next=None)
    return AuditPage(data=tuple(fitting), next=end, looked_at=read)


async def _older(redis: Redis, team: Team, than: str | None) -> list[_Found]:
    """The next lines of all streams of the team, newest first; fewer than a step only at the end."""
    found: list[_Found] = []
    if than is not None:
        ms, number = (min(part, _LARGEST) for part in _numbers(than))
        if (ms, number) == (0, 0):  # nothing is older, and Redis takes it for no id here
            return found
        than = f"{ms}-{number}"
    for stream in keyspace.audit_trails(team):
        entries = await redis.xrevrange(stream, max=f"({than}" if than else "+", count=_STEP)
        found += [_Found(_numbers(entry), fields) for entry, fields in entries]
    found.sort(key=lambda one: one.id, reverse=True)
    last = found[_STEP - 1].id if len(found) >= _STEP else (0, 0)
    return [one for one in found if one.id >= last]


def _numbers(entry: str) -> tuple[int, int]:
    ms, _, number = entry.partition("-")
    return int(ms), int(number)


def _fits(line: LookedLine, query: AuditQuery, exact: Mapping[str, str]) -> bool:
    if any(getattr(line, name) != value for name, value in exact.items()):
        return False
    return query.about is None or any(is_of(one, query.about) for one in line.about)
