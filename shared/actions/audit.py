"""The audit trail: what a write says of its changes, and how callers read it."""

from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from pydantic_core import to_json
from redis.asyncio import Redis

from shared import clock
from shared.actions.searches import audit as searches
from shared.actions.searches.audit import LookedLine, is_of
from shared.basics.search import Search
from shared.schemas.accounts.audit import AuditLine, AuditPage, AuditQuery
from shared.schemas.base import Schema
from shared.security import vault
from shared.store import keyspace, records, streams
from shared.store.keyspace import Team

LONGEST_CHARACTERS = 300
"""Of a text that a line shows."""
_STEP, _MOST_READ = 250, 2_000
"""Lines of a stream that are read at once, and of all for one answer, which says where to go on."""
_LARGEST = 2**64 - 1
"""Of both numbers of an id of a stream."""


_Id = tuple[int, int]
"""Of a line, as two numbers: so lines of several streams are in order."""
_Found = tuple[_Id, Sequence[str]]
"""A line with its fields as they are stored: name, value, …"""


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
    is_passed_over, fitting = searches.passed_over(wanted), list[AuditLine]()
    fits = _fitting(wanted, query)
    end, read = query.before, 0
    async for found in _older(redis, team, end):
        if _are_within(found, query, _MOST_READ - read) and is_passed_over(*(flat for _, flat in found)):
            end, read = "{}-{}".format(*found[-1][0]), read + len(found)
            continue
        for line_id, flat in found:
            end, read, fields = "{}-{}".format(*line_id), read + 1, records.fields_of(flat)
            if query.after and clock.moment(fields["at"]) < query.after:
                return AuditPage(data=tuple(fitting), next=None)
            if not is_passed_over(flat) and fits(line := LookedLine(fields)):
                fitting.append(line.shown(end))
            if len(fitting) == query.limit:
                return AuditPage(data=tuple(fitting), next=end)
            if read == _MOST_READ:
                return AuditPage(data=tuple(fitting), next=end, looked_at=read)
    return AuditPage(data=tuple(fitting), next=None)


def _are_within(found: Sequence[_Found], query: AuditQuery, left: int) -> bool:
    """Whether neither a moment nor how many are read ends the look among them."""
    return query.after is None and 0 < len(found) < left


async def _older(redis: Redis, team: Team, than: str | None) -> AsyncIterator[Sequence[_Found]]:
    """The lines of all streams of the team that are older, newest first, in parts.

    Of each stream that reaches less far back than the others more is read: what those have is kept meanwhile.
    """
    highest = "+"
    if than is not None:
        ms, number = (min(part, _LARGEST) for part in _numbers(than))
        if (ms, number) == (0, 0):  # nothing is older, and Redis takes it for no id here
            return
        highest = f"({ms}-{number}"
    kept, lowest = list[_Found](), dict[str, _Id]()
    to_read = dict.fromkeys(keyspace.audit_trails(team), highest)
    while to_read:
        for stream, entries in zip(to_read, await streams.older(redis, to_read, _STEP), strict=True):
            kept += [(_numbers(entry), flat) for entry, flat in entries]
            if len(entries) == _STEP:
                lowest[stream] = kept[-1][0]
        since = max(lowest.values(), default=(0, 0))
        kept.sort(key=itemgetter(0), reverse=True)
        size = bisect_right(kept, (-since[0], -since[1]), key=lambda one: (-one[0][0], -one[0][1]))
        yield kept[:size]
        kept = kept[size:]
        to_read = {stream: "({}-{}".format(*low) for stream, low in lowest.items() if low == since}
        lowest = {stream: low for stream, low in lowest.items() if low != since}


def _numbers(entry: str) -> _Id:
    ms, _, number = entry.partition("-")
    return int(ms), int(number)


def _fitting(wanted: Search[LookedLine], query: AuditQuery) -> Callable[[LookedLine], bool]:
    exact = query.model_dump(include={"operation", "actor", "token", "interface"}, exclude_none=True)

    def fits(line: LookedLine) -> bool:
        if any(getattr(line, name) != value for name, value in exact.items()):
            return False
        is_about = query.about is None or any(is_of(one, query.about) for one in line.about)
        return is_about and wanted.finds(line)

    return fits
