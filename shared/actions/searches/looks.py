"""Rows as a search looks at them: of what is stored, only that is read which its keys ask for."""

import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from redis.asyncio import Redis

from shared.actions import job_records
from shared.basics import hints, search
from shared.basics.memory import MEBIBYTE, remembered
from shared.basics.search import Key, Search
from shared.schemas.accounts.makers import Maker
from shared.schemas.base import Method
from shared.schemas.crons import CronMode
from shared.schemas.runs import STORED as RAN
from shared.store import makers, records, stored, transitions
from shared.store.keyspace import Team
from shared.store.lenient import Reader
from shared.store.records import Fields
from shared.store.transitions import SEEN_OF_JOB, Below, Seen, SeenCron, SeenJob

MAKER = "maker"
"""What is looked up of a row only where a search needs it: by which name who made it is called."""


R = TypeVar("R", bound="LookedJob | LookedCron")
T = TypeVar("T")


def of_run(key: Key[T], name: str, per_unit: int = 1) -> Key[T]:
    """The key, which reads a whole number of the run: so many of it are a unit of the key."""
    return replace(key, bounds=partial(hints.bounds, RAN.index(name), per_unit))


def _words_of(maker: Maker | None) -> list[str]:
    """What `by:` finds it by: its kind, `token:4`, and its name."""
    if maker is None:
        return []
    return [maker.kind, f"{maker.kind}:{maker.id}", *([maker.name] if maker.name else [])]


MADE_BY: Key[Any] = search.several(lambda row: _words_of(row.created_by), needs=MAKER)


async def named(redis: Redis, team: Team, wanted: Search[Any], rows: list[R]) -> list[R]:
    """The rows, with the names of who made them if the search is about these."""
    if wanted.needs(MAKER):
        names = await makers.names_of(redis, team, [row.created_by for row in rows])
        rows = [copy(row) for row in rows]
        for row in rows:
            row.created_by = makers.with_name(row.created_by, names)
    return rows


async def crons(
    redis: Redis,
    team: Team,
    which: Below | Sequence[int],
    wanted: Search[Any],
    words_too: str = "",
    *,
    is_brief: bool | None = None,
) -> "Seen[LookedCron]":
    """Those crons that may be looked for.

    `is_brief`: only their specs, and by what lists are sorted; None: if it looks for words alone.
    """
    hints = wanted.hints(words_too)
    if is_brief is None:
        is_brief = not any(term.key for term in wanted.terms)
    seen = await transitions.look_at_crons(
        redis, team, which, hints, most_bytes=stored.LOOK_BYTES, is_brief=is_brief
    )
    rows = await named(redis, team, wanted, list(map(looked, seen.rows)))
    return Seen(seen.size, seen.last, seen.has_more, rows)


_SERVER = re.compile(r"https?://[^/?#]*")
_DIGITS = 17
"""Fewer make a number that is a float, too."""


def host_of(url: str) -> str | None:
    """As `urlsplit` reads it, but of many URLs of one server once."""
    server = _SERVER.match(url)
    return _host_of(server[0]) if server else urlsplit(url).hostname


@remembered(MEBIBYTE)
def _host_of(server: str) -> str | None:
    return urlsplit(server).hostname


class LookedRun:
    """A run's short fields, None where it has none."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.response_status = _number(fields.get("response_status"))
        self.duration_ms = _number(fields.get("duration_ms"))
        self.failure_reason: str | None = fields.get("failure_reason")


def run_of(text: str | None) -> LookedRun | None:
    if not text:
        return None
    try:
        return LookedRun(stored.read_run(text).fields)
    except (ValueError, LookupError, TypeError):  # no JSON of a run
        return None


class LookedJob:
    """As `Job` under the names that it has there, as far as keys of a search read it."""

    def __init__(self, row: SeenJob) -> None:
        self._row = row
        self.id = int(row.id)
        self.queue = row.queue

    @cached_property
    def _fields(self) -> Fields:
        named = zip(SEEN_OF_JOB, self._row.fields or (), strict=False)
        found = {name: value for name, value in named if value is not None}
        return found | records.fields_of(self._row.makers or ())

    @cached_property
    def _spec(self) -> dict[str, Any]:
        return Reader().spec(self._row.spec).fields

    @cached_property
    def _statuses(self) -> tuple[str, str | None]:
        return job_records.status_of(self._fields, Reader())

    @property
    def status(self) -> str:
        return self._statuses[0]

    @property
    def final_status(self) -> str | None:
        return self._statuses[1]

    @property
    def queue_id(self) -> int:
        return Reader().number(self._fields, "queue")

    @property
    def url(self) -> str:
        return str(self._spec.get("url", ""))

    @property
    def method(self) -> str:
        return str(self._spec.get("method", Method.POST))

    @property
    def created_at(self) -> datetime:
        return Reader().made(self._fields, "created")

    @property
    def attempt_number(self) -> int:
        return Reader().number(self._fields, "attempt", 1)

    @property
    def labels(self) -> Mapping[str, str]:
        return _labels(self._spec)

    @property
    def idempotency_key(self) -> str | None:
        return job_records.key_of(self._spec, self._fields)

    @cached_property
    def created_by(self) -> Maker | None:
        return makers.of(self._fields)

    @property
    def payload(self) -> Any:
        return job_records.payload_of(self._spec, Reader())

    @cached_property
    def run(self) -> LookedRun | None:
        return run_of(self._row.run)


class LookedCron:
    """As `Cron` under the names that it has there, as far as keys of a search read it."""

    def __init__(self, row: SeenCron) -> None:
        self._row, self._spec = row, _spec_of(row.spec)
        self.id, self.key, self.is_active = int(row.id), row.key or None, row.is_active == "1"

    @property
    def name(self) -> str:
        return str(self._spec.get("name", ""))

    @property
    def url(self) -> str:
        return str(self._spec.get("url", ""))

    @property
    def method(self) -> str:
        return str(self._spec.get("method", Method.POST))

    @cached_property
    def mode(self) -> str:
        return str(self._spec.get("mode", CronMode.REQUEST))

    @property
    def timezone(self) -> str:
        return str(self._spec.get("timezone", "UTC"))

    @property
    def labels(self) -> Mapping[str, str]:
        return _labels(self._spec)

    @cached_property
    def created_by(self) -> Maker | None:
        return makers.of({"by": self._row.by})

    @property
    def is_alerted(self) -> bool:
        return bool(self._row.alerted)

    @cached_property
    def has_ended(self) -> bool:
        return self.is_active and not self._row.next and bool(self._spec)

    @cached_property
    def consecutive_failures(self) -> int:
        return self._number("failures")

    @cached_property
    def next_ms(self) -> int:
        """Its next fire; 0 without one."""
        return self._number("next")

    @property
    def created_at(self) -> datetime:
        return Reader().made({"created": self._row.created}, "created")

    def _number(self, name: str) -> int:
        stored_as = getattr(self._row, name) or "0"
        is_short = len(stored_as) < _DIGITS and stored_as.isdecimal()
        return int(stored_as) if is_short else Reader().number({name: stored_as}, name)


@remembered(16 * MEBIBYTE, per_byte=2, per_entry=2000)
def looked(text: str) -> LookedCron:
    """Most crons are as they were when they were last looked at, and a list that is sorted looks at all."""
    return LookedCron(SeenCron.of(text))


@remembered(8 * MEBIBYTE)
def _spec_of(text: str) -> Mapping[str, Any]:
    """A cron that has fired since has the same."""
    return Reader().spec(text).fields


def _labels(spec: Mapping[str, Any]) -> Mapping[str, str]:
    found = spec.get("labels")
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) else None
