"""A fire: what was sent, what came back, how late."""

from collections.abc import Mapping
from typing import NamedTuple

from pydantic_core import from_json, to_json
from starlette.responses import Response

from services.api.pages import zones
from services.api.pages.crons import saying
from services.api.pages.crons.facts import Fact
from services.api.pages.crons.shell import ONE, crons_page
from services.api.pages.endpoint import page
from services.api.pages.forms import Form
from services.api.pages.visits import Visit
from shared.actions import crons, executions
from shared.actions.reports.why import SKIPPED
from shared.schemas.crons import Execution, ExecutionStatus
from shared.schemas.runs import Phases, Run

PATH = f"{ONE}/fires/{{execution}}"
OPEN = (ExecutionStatus.PENDING, ExecutionStatus.PROCESSING)
MOST_CHARACTERS = 65_536
"""Of a body; the API has all that is kept of it."""
_PHASES = (
    ("waited_ms", "Waited"),
    ("dns_ms", "Name"),
    ("connect_ms", "Connection"),
    ("tls_ms", "TLS"),
    ("sent_ms", "Sent"),
    ("first_byte_ms", "First byte"),
    ("body_ms", "Body"),
)


class Phase(NamedTuple):
    name: str
    begin: float
    part: float
    took: str
    is_longest: bool


class Body(NamedTuple):
    text: str
    size: str
    is_cut: bool


async def show(visit: Visit) -> Response:
    signed = await visit.in_team()
    call, cron_id = visit.call(signed, "get-execution"), visit.id("cron", "Cron")
    cron = await crons.get(call.redis, call.team, cron_id)
    one = await executions.get(call.redis, call.team, cron_id, visit.id("execution", "Execution"))
    zone, run = zones.zone_of(visit), one.run
    return await crons_page(
        visit,
        signed,
        "crons/fire.html",
        cron=cron,
        one=one,
        is_open=one.status in OPEN,
        state=saying.outcome(one),
        due=saying.dated(one.scheduled_at, zone),
        sentence=_sentence(one),
        facts=_facts(one, zone),
        phases=_phases(run.phases) if run and run.phases else [],
        sent=_headers(run.request_headers if run else None),
        sent_body=_body(run.request_body if run else None),
        came=_headers(run.response_headers if run else None),
        came_body=_body(run.response_body if run else None),
        run=run,
        form=Form(),
    )


def _sentence(one: Execution) -> str:
    """What became of it, in one sentence."""
    run = one.run
    if one.skip_reason:
        return SKIPPED[one.skip_reason]
    if one.status is ExecutionStatus.PENDING:
        return f"It waits for {one.waits_for.rstrip('.')}." if one.waits_for else "It has not started yet."
    if one.status is ExecutionStatus.PROCESSING:
        return "It has been sent, or is about to be."
    if one.status is ExecutionStatus.FAILED:
        return (run and run.error_message) or "It failed."
    if run and run.response_status:
        return f"The target answered {run.response_status} after {saying.took(run.duration_ms)}."
    return "It ended well."


def _facts(one: Execution, zone: str) -> list[Fact]:
    run = one.run or Run()
    made = "a backfill made it" if one.is_backfill else f"{saying.late(one.lateness_ms)} late"
    given = (
        ("Due", saying.dated(one.scheduled_at, zone)),
        ("Made", f"{saying.dated(one.created_at, zone)}, {made}"),
        ("Started", saying.dated(run.started_at, zone) if run.started_at else None),
        ("Took", saying.took(run.duration_ms) if run.duration_ms is not None else None),
        ("Attempt", str(run.attempt) if one.run else None),
        ("Stands for", f"{one.missed} missed fires too" if one.missed else None),
        ("Address", run.address),
        ("Connection", f"a {run.connection} one" if run.connection else None),
        ("Worker", run.worker),
        ("Callback", one.callback_status),
        ("Key", one.idempotency_key),
        ("Number", str(one.id)),
    )
    return [Fact(name, value) for name, value in given if value]


def _phases(given: Phases) -> list[Phase]:
    """Side by side as they followed each other, the longest in ink."""
    took = [(words, getattr(given, name)) for name, words in _PHASES]
    known = [(words, ms) for words, ms in took if ms is not None]
    whole, longest = sum(ms for _, ms in known) or 1, max((ms for _, ms in known), default=0)
    found, begin = [], 0.0
    for words, ms in known:
        part = 100 * ms / whole
        found.append(Phase(words, round(begin, 2), round(max(part, 0.4), 2), saying.took(ms), ms == longest))
        begin += part
    return found


def _headers(given: Mapping[str, str | list[str]] | None) -> list[tuple[str, str]]:
    return [
        (name, one)
        for name, value in (given or {}).items()
        for one in ([value] if isinstance(value, str) else value)
    ]


def _body(text: str | None) -> Body | None:
    """As text, in lines if it is JSON; of a long one the beginning."""
    if not text:
        return None
    size = f"{len(text):,} characters"
    if len(text) <= MOST_CHARACTERS:
        try:
            found = from_json(text)
        except ValueError:
            return Body(text, size, is_cut=False)
        if isinstance(found, dict | list):
            text = to_json(found, indent=2).decode()
    return Body(text[:MOST_CHARACTERS], size, len(text) > MOST_CHARACTERS)


routes = [page(PATH, show)]
