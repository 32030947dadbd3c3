"""What may be searched for in the audit trail."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from itertools import chain
from typing import Any

from pydantic_core import from_json, to_json
from redis.asyncio import Redis

from shared import clock
from shared.actions.searches import queries
from shared.basics import search, words
from shared.basics.search import Key, Search, Value, Wrong
from shared.schemas.accounts.audit import INTERFACES, AuditChange, AuditLine
from shared.store.keyspace import Team

_KINDS = {"rest": "token", "mcp": "mcp", "web": "user"}
"""Who calls by an interface, as `created_by` has it."""
_NAMED = ("before", "after")
"""What a search finds between the values of a change, where a line as it is stored has nothing."""
_WHO = ("operation", "actor", "token", "interface", "client", "request_id", "reason")


class LookedLine:
    """A line under the names that `AuditLine` has, as far as a search reads it: few of many are shown."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields
        self.about = tuple(fields["about"].split(",")) if fields["about"] else ()
        who: dict[str, str] = from_json(fields["who"])
        self.operation, self.actor, self.token, self.interface, self.client, self.request_id, self.reason = [
            who.get(name, "") for name in _WHO
        ]

    @cached_property
    def at(self) -> datetime:
        return clock.moment(self._fields["at"])

    @cached_property
    def changes(self) -> Mapping[str, Mapping[str, Any]]:
        changed: dict[str, Sequence[Any]] = from_json(self._fields["changes"] or "{}")
        return {name: {"before": was, "after": now} for name, (was, now) in changed.items()}

    def shown(self, line_id: str) -> AuditLine:
        changes = {name: AuditChange(**change) for name, change in self.changes.items()}
        who = {name: getattr(self, name) for name in _WHO}
        return AuditLine(id=line_id, at=self.at, about=self.about, changes=changes, **who)


def is_of(one: str, wanted: str) -> bool:
    """Whether `job:8-12` or `cron:7` is what is wanted, as `job:9`."""
    if one == wanted:
        return True
    noun, _, ids = one.partition(":")
    of, _, number = wanted.partition(":")
    return noun == of and _has(ids, number)


def _has(ids: str, number: str) -> bool:
    """Whether `8-12` or `9` has that number."""
    first, _, last = ids.partition("-")
    if not number.isdecimal() or not first.isdecimal():
        return False
    return int(first) <= int(number) <= int(last if last.isdecimal() else first)


def _makers(line: LookedLine) -> list[str]:
    kind = _KINDS.get(line.interface)
    return [line.actor, kind] if kind else [line.actor]


def _noun(text: str, operator: str, _now: datetime) -> Value:
    if operator:
        raise Wrong("be a noun as cron, or one of them as cron:7")
    return Value(text.casefold())


def _number(text: str, operator: str, _now: datetime) -> Value:
    if operator or not text.isdecimal():
        raise Wrong("be a number, after a colon")
    return Value(text)


def _is_about(about: Sequence[str], value: Value) -> bool:
    return any(one.partition(":")[0] == value.text or is_of(one, value.text) for one in about)


def _has_id(about: Sequence[str], value: Value) -> bool:
    return any(_has(one.partition(":")[2], value.text) for one in about)


KEYS: dict[str, Key[LookedLine]] = {
    "by": search.several(_makers),
    "action": search.word(lambda line: line.operation),
    "what": Key(lambda line: line.about, _noun, _is_about),
    "id": Key(lambda line: line.about, _number, _has_id),
    "changed": search.several(lambda line: line.changes),
    "via": search.word(lambda line: line.interface, choices=INTERFACES),
    "client": search.part(lambda line: line.client),
    "reason": search.part(lambda line: line.reason),
    "token": search.word(lambda line: line.token),
    "request": search.word(lambda line: line.request_id),
    "since": search.since(lambda line: line.at),
    "until": search.until(lambda line: line.at),
}


async def understood(redis: Redis, team: Team, text: str | None) -> Search[LookedLine]:
    """Raises Invalid for what cannot be understood."""
    return await queries.understood(redis, team, text, KEYS, _texts)


def passed_over(wanted: Search[LookedLine]) -> Callable[..., bool]:
    """What tells of stored lines, one or many, whether none can be found: a word is wanted that none has.

    A line is given as it is stored: name, value, …
    """
    phrases = [term.values[0].text for term in wanted.terms if not term.key and not term.is_not]
    wanted_words = [word for text in phrases if text.isascii() and (word := words.plain(text))]
    sure = [word for word in wanted_words if not any(_meets(word, name) for name in _NAMED)]

    def is_passed_over(*lines: Sequence[str]) -> bool:
        stored = "\n".join(chain.from_iterable(lines))
        if not stored.isascii() or "\\" in stored:  # it may mean other letters than it has
            return False
        its = words.plain(stored)
        return not all(word in its for word in sure)

    return is_passed_over if sure else lambda *_lines: False


def _meets(word: str, name: str) -> bool:
    """Whether a word may be found that has a part of this one, before or behind it, or the whole."""
    if word in name or name in word:
        return True
    return any(word.startswith(name[-n:]) or word.endswith(name[:n]) for n in range(1, len(name)))


def _texts(line: LookedLine) -> Sequence[str]:
    changes = to_json(line.changes).decode()
    return line.actor, line.operation, line.client, line.reason, *line.about, changes
