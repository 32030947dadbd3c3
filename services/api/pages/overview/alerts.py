"""Alerts: what broke and recovered, who was told by what, and whether the message arrived."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from starlette.responses import Response

from services.api.pages import words
from services.api.pages.endpoint import page, to
from services.api.pages.forms import Form
from services.api.pages.lists import page_of, search_of
from services.api.pages.overview import incidents
from services.api.pages.overview.incidents import Incident
from services.api.pages.overview.shell import PATH, base_of, overview_page
from services.api.pages.visits import Visit
from shared.actions import alerts, cron_records
from shared.actions.reports import problems
from shared.errors import NotFound
from shared.operations import Call
from shared.schemas.alerts import Alert, Alertable, AlertPage, AlertQuery, AlertQuiet
from shared.schemas.notifications import Channel
from shared.schemas.reports.problems import Problem, ProblemState, ProblemUpdate

ALERTS = f"{PATH}/alerts"
ONE = f"{ALERTS}/{{alert}}"
PER_PAGE, MOST_OF_ONE = 50, 100


async def index(visit: Visit) -> Response:
    signed = await visit.in_team()
    call, number, search = visit.call(signed, "list-alerts"), page_of(visit), search_of(visit)
    query = AlertQuery(page=number, per_page=PER_PAGE, search=search or None)
    found = await alerts.listed(call.redis, call.team, query)
    shown = incidents.grouped(found.data, await _problems(call, found.data))
    if number > 1 or search:
        shown = list(await asyncio.gather(*(_placed(call, one) for one in shown)))
    shown = await _counted(call, shown)
    return await overview_page(
        visit,
        signed,
        "overview/alerts.html",
        section="alerts",
        found=found,
        search=search,
        incidents=shown,
        title=title(found, is_part=number > 1 or bool(search)),
    )


def title(found: AlertPage, *, is_part: bool) -> str:
    """Nothing is broken. One thing is broken. Two things are broken."""
    if is_part:
        return "1 alert" if found.total == 1 else f"{found.total:,} alerts"
    if not found.total:
        return "No alerts yet"
    if not found.open:
        return "Nothing is broken."
    return "One thing is broken." if found.open == 1 else f"{words.number(found.open)} things are broken."


async def _problems(call: Call, found: Sequence[Alert]) -> Mapping[int, Problem]:
    """Those that the alerts name, by their ids."""
    ids = {one.data.problem_id for one in found if one.data.problem_id}
    return {one.id: one for one in await problems.rows(call.redis, call.team, sorted(ids))}


async def _placed(call: Call, incident: Incident) -> Incident:
    """With whether it is the last one of its kind, where later alerts are not among those shown."""
    if not incident.is_open:
        return incident
    most = 1 if _is_of_cron(incident.newest) else MOST_OF_ONE
    found = (await alerts.page(call.redis, call.team, _of(incident.newest, most))).data
    newest = next((one for one in found if incidents.are_alike(one, incident.newest)), incident.newest)
    return replace(incident, is_last=newest.id in {one.id for one in incident.alerts})


async def _counted(call: Call, shown: Sequence[Incident]) -> list[Incident]:
    """Those of crons that still fail, with how often by now: no alert follows the one that is sent."""
    ids = {one.newest.alertable_id for one in shown if one.is_open and _is_of_cron(one.newest)}
    known = await cron_records.failures(call.redis, call.team, list(ids)) if ids else {}
    return [
        replace(one, failures=known.get(one.newest.alertable_id, 0))
        if one.is_open and _is_of_cron(one.newest)
        else one
        for one in shown
    ]


def _is_of_cron(alert: Alert) -> bool:
    return alert.alertable_type is Alertable.CRON


def _of(alert: Alert, most: int) -> AlertQuery:
    """Asks for the alerts of the same cron or queue."""
    if _is_of_cron(alert):
        return AlertQuery(cron_id=alert.alertable_id, per_page=most)
    return AlertQuery(queue_id=alert.alertable_id, per_page=most)


async def show(visit: Visit) -> Response:
    signed = await visit.in_team()
    call, alert_id = visit.call(signed, "get-alert"), visit.id("alert", "Alert")
    alert = await alerts.get(call.redis, call.team, alert_id)
    (incident,) = await _counted(call, [await _incident_of(call, alert)])
    return await overview_page(
        visit,
        signed,
        "overview/alert.html",
        section="alerts",
        alert=alert,
        incident=incident,
        told=[(one, incidents.deliveries(one.deliveries)) for one in incident.alerts],
        form=Form(),
    )


async def _incident_of(call: Call, alert: Alert) -> Incident:
    """The one that an alert belongs to, as far as the newest of its cron or queue tell."""
    if alert.alertable_type is Alertable.TEAM:
        return Incident([alert])
    found = await alerts.page(call.redis, call.team, _of(alert, MOST_OF_ONE))
    for one in incidents.grouped(found.data, await _problems(call, found.data)):
        if any(row.id == alert.id for row in one.alerts):
            return one
    return Incident([alert], is_last=False)


async def quiet(visit: Visit, form: Form) -> Response:
    """Send nothing more of it until it recovers."""
    signed = await visit.in_team()
    alert_id = visit.id("alert", "Alert")
    await problems.quiet(visit.call(signed, "quiet-alert", form.once), alert_id, AlertQuiet())
    return to(f"{base_of(signed)}/alerts/{alert_id}")


async def reopen(visit: Visit, form: Form) -> Response:
    """Tell of it again."""
    return await _changed(visit, form, ProblemState.OPEN)


async def resolve(visit: Visit, form: Form) -> Response:
    """Say that it is over, as after a replay: the next failure of its kind tells of it again."""
    return await _changed(visit, form, ProblemState.RESOLVED)


async def resend(visit: Visit, form: Form) -> Response:
    """Send the message once more by a channel that could not deliver it."""
    signed = await visit.in_team()
    alert_id, channel = visit.id("alert", "Alert"), form.get("channel")
    if channel not in {*Channel}:
        raise NotFound("Channel")
    await alerts.resend(visit.call(signed, "resend-alert", form.once), alert_id, Channel(channel))
    return to(f"{base_of(signed)}/alerts/{alert_id}")


async def _changed(visit: Visit, form: Form, state: ProblemState) -> Response:
    signed = await visit.in_team()
    call, alert_id = visit.call(signed, "update-problem", form.once), visit.id("alert", "Alert")
    alert = await alerts.get(call.redis, call.team, alert_id)
    if alert.data.problem_id:
        await problems.update(call, alert.data.problem_id, ProblemUpdate(state=state))
    return to(f"{base_of(signed)}/alerts/{alert_id}")


async def back(visit: Visit) -> Response:
    """Who loads the address of a form again comes to the alert."""
    signed = await visit.in_team()
    return to(f"{base_of(signed)}/alerts/{visit.id('alert', 'Alert')}")


routes = [
    page(ALERTS, index),
    page(ONE, show),
    page(f"{ONE}/quiet", back, quiet),
    page(f"{ONE}/reopen", back, reopen),
    page(f"{ONE}/resolve", back, resolve),
    page(f"{ONE}/resend", back, resend),
]
