"""Settings, Limits: how many requests the team sent, and what it allows itself."""

from typing import NamedTuple

from starlette.responses import Response

from services.api.pages.endpoint import IN_PLACE, page, to
from services.api.pages.forms import Form, errors_of, number, parsed
from services.api.pages.settings.shell import CHANGED, VERSION, path_of, seen, settings_page, version_of
from services.api.pages.visits import Visit
from shared.actions import limits
from shared.errors import Stale
from shared.schemas.teams import MonthlyLimits, Usage
from shared.security.sessions import Signed

SECTION = "limits"
PATH = f"/t/{{team}}/settings/{SECTION}"
FIELDS = ("monthly_request_limit", "soft_limit")
NEAR_PERCENT = 80
MOST_MONTHS = 13


class Bar(NamedTuple):
    """A month, and how wide its bar is."""

    month: str
    requests: int
    percent: float


class Used(NamedTuple):
    """What was used of the limits, in words and as a bar."""

    title: str
    sentence: str
    colour: str
    percent: float
    """Of the bar."""
    soft_percent: float | None
    """Where the soft limit is on it."""


async def show(visit: Visit) -> Response:
    return await _shown(visit, await visit.in_team())


async def change(visit: Visit, form: Form) -> Response:
    """Set both as the page showed them; what somebody else set meanwhile is shown first."""
    signed = await visit.as_admin()
    try:
        wanted = parsed(MonthlyLimits, {name: number(form.get(name)) for name in FIELDS})
        await limits.put(visit.call(signed, "set-limits", versions=seen(form)), wanted)
    except Stale:
        return await _shown(visit, signed, Form(form.fields, {"": CHANGED}), 409)
    except IN_PLACE as error:
        return await _shown(visit, signed, form.wrong(errors_of(error)), 422)
    return to(path_of(signed, SECTION))


async def _shown(visit: Visit, signed: Signed, typed: Form | None = None, status: int = 200) -> Response:
    call = visit.call(signed, "get-limits")
    known = await limits.get(call)
    usage = await limits.usage(call.redis, call.team)
    fields = {name: str(value) if (value := getattr(known, name)) is not None else "" for name in FIELDS}
    given, errors = (typed.fields, typed.errors) if typed else (fields, {})
    form = Form({**given, VERSION: version_of(call)}, errors)
    return await settings_page(
        visit,
        signed,
        SECTION,
        "limits/index.html",
        status,
        usage=usage,
        used=used(usage),
        months=months(usage),
        form=form,
    )


def used(usage: Usage) -> Used:
    """What is said first; percents are of the limit, or else of the soft limit."""
    hard, soft, count = usage.monthly_request_limit, usage.soft_limit, usage.requests
    whole = hard if hard is not None else soft
    percent = _share(count, whole)
    soft_percent = _share(soft, whole) if soft is not None and hard else None
    title = f"{count:,} {'request' if count == 1 else 'requests'} this month"
    if hard is not None and count >= hard:
        sentence = (
            f"The limit of {hard:,} is reached: nothing is sent until it is raised or the month is over."
        )
        return Used(title, sentence, "bad", percent, soft_percent)
    if soft is not None and count >= soft:
        rest = f" {hard - count:,} are left." if hard is not None else " Nothing stops at it."
        return Used(title, f"The soft limit of {soft:,} was passed.{rest}", "warn", percent, soft_percent)
    if hard is not None:
        colour = "warn" if percent >= NEAR_PERCENT else "ok"
        sentence = f"{percent:.0f} % of {hard:,}, which nothing is sent beyond; {hard - count:,} are left."
        return Used(title, sentence, colour, percent, soft_percent)
    if soft is not None:
        return Used(title, f"A warning is sent at {soft:,}; nothing stops there.", "ok", percent, None)
    return Used(title, "There is no limit: whatever is due is sent.", "ok", percent, None)


def months(usage: Usage) -> list[Bar]:
    """Newest first; a bar is as wide as the month is of the busiest one."""
    shown = list({usage.month: usage.requests, **usage.months}.items())[:MOST_MONTHS]
    most = max(requests for _, requests in shown)
    return [Bar(month, requests, _share(requests, most)) for month, requests in shown]


def _share(part: int, whole: int | None) -> float:
    """In percent, 100 at most."""
    if not whole:
        return 100.0 if whole == 0 and part else 0.0
    return round(min(100.0, 100 * part / whole), 1)


routes = [page(PATH, show, change)]
