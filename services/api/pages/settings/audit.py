"""Settings, Audit: who changed what, by what, from what to what; searched, filtered, in pages."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote, urlencode

from pydantic import JsonValue
from pydantic_core import to_json
from starlette.responses import Response

from services.api.errors import Refused
from services.api.pages.endpoint import IN_PLACE, page
from services.api.pages.forms import Form, errors_of, parsed
from services.api.pages.settings.shell import path_of, settings_page
from services.api.pages.visits import Visit
from shared import clock
from shared.actions import audit
from shared.schemas.accounts.audit import INTERFACES, AuditLine, AuditPage, AuditQuery
from shared.security.sessions import Signed

SECTION = "audit"
PATH = f"/t/{{team}}/settings/{SECTION}"
_OTHERWISE = {"after", "before", "limit", "token"}
"""Of the query of REST: days, pages, and what the search has a key for."""
_EXACT = tuple(name for name in AuditQuery.model_fields if name not in _OTHERWISE)
FILTERS = (*_EXACT, "from", "to")
MOST_CHARACTERS = 500
_PLACES: Mapping[str, str] = {
    "cron": "crons/{}",
    "queue": "queues/{}",
    "job": "jobs/{}",
    "replay": "replays/{}",
    "token": "settings/api/{}",
    "team": "settings/team",
    "member": "settings/members",
    "invitation": "settings/members",
}
"""Where a thing has a page, below that of its team."""


class Change(NamedTuple):
    """A field, in words."""

    name: str
    before: str
    after: str


class Thing(NamedTuple):
    """What was changed, and its page if it has one."""

    name: str
    href: str


class Row(NamedTuple):
    """A line, as it is shown."""

    line: AuditLine
    things: Sequence[Thing]
    changes: Sequence[Change]


async def index(visit: Visit) -> Response:
    signed = await visit.as_admin()
    given = {name: visit.request.query_params.get(name, "").strip()[:MOST_CHARACTERS] for name in FILTERS}
    before = visit.request.query_params.get("before", "")
    found, form, status = AuditPage(data=(), next=None), Form(given), 200
    try:
        call = visit.call(signed, "list-audit")
        found = await audit.page(call.redis, call.team, _query(given, before))
    except IN_PLACE as error:
        form, status = Form(given, _errors(error)), 422
    kept = {name: text for name, text in given.items() if text}
    return await settings_page(
        visit,
        signed,
        SECTION,
        "audit/index.html",
        status,
        rows=[_row(signed, line) for line in found.data],
        found=found,
        form=form,
        interfaces=INTERFACES,
        is_filtered=bool(kept),
        is_later=bool(before),
        newest=_address(signed, kept),
        older=_address(signed, {**kept, "before": found.next}) if found.next else "",
        days=visit.having.settings.audit_retention_days,
    )


def _query(given: Mapping[str, str], before: str) -> AuditQuery:
    """Days are those of UTC, both of them included; the end of the last is an id too, as ids are moments."""
    first, last = (_day(given[name], name) for name in ("from", "to"))
    if last and not before:
        before = f"{clock.milliseconds(last + timedelta(days=1))}-0"
    exact = {name: given[name] or None for name in _EXACT}
    return parsed(
        AuditQuery, {**exact, "after": first.isoformat() if first else None, "before": before or None}
    )


def _day(text: str, name: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Refused({name: [f"The {name} field must be a day as 2026-11-28."]}) from None


def _errors(error: Exception) -> dict[str, str]:
    """By the fields of the form; an address that somebody wrote may be wrong in others."""
    found = errors_of(error)
    return {"from" if name == "after" else name: sentence for name, sentence in found.items()}


def _row(signed: Signed, line: AuditLine) -> Row:
    changes = [
        Change(name, _text(change.before), _text(change.after)) for name, change in line.changes.items()
    ]
    return Row(line, [_thing(signed, one) for one in line.about], changes)


def _thing(signed: Signed, about: str) -> Thing:
    noun, _, which = about.partition(":")
    assert signed.team
    place = _PLACES.get(noun, "") if which.isdecimal() else ""
    href = f"/t/{signed.team.id}/{place.format(which)}" if place else ""
    return Thing(f"{noun} {which}".replace("-", " to "), href)


def _text(value: JsonValue) -> str:
    """A value as somebody would write it down; nothing is what was not there."""
    if value is None or value in ([], {}):
        return ""
    return value if isinstance(value, str) else to_json(value).decode()


def _address(signed: Signed, parts: Mapping[str, object]) -> str:
    query = urlencode(parts, quote_via=quote)
    return f"{path_of(signed, SECTION)}{'?' if query else ''}{query}"


routes = [page(PATH, index)]
