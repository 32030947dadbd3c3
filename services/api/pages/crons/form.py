"""The form of a cron, new and changed: when exactly will it fire, and will the call work?"""

from typing import NamedTuple

from starlette.responses import Response

from services.api.errors import Refused
from services.api.pages import zones
from services.api.pages.crons import facts, form_fields, saying, schedules
from services.api.pages.crons.shell import ONE, PATH, crons_page, path_of
from services.api.pages.endpoint import IN_PLACE, page, to
from services.api.pages.forms import Form, errors_of, parsed
from services.api.pages.rendering import rendered
from services.api.pages.visits import Visit
from shared.actions import crons, executions
from shared.actions.explain import explain
from shared.errors import NotFound, Stale
from shared.operations import Versions
from shared.schedule import zone_data
from shared.schemas.crons import Cron
from shared.schemas.explain import ExplainQuery
from shared.security.sessions import Signed

NEW, EXPLAIN, EDIT = f"{PATH}/new", f"{PATH}/explain", f"{ONE}/edit"
FIRES = 5
LOOKS = ("explain", "add")
"""What buttons of the form do that change nothing."""
_CHANGED = (
    "Somebody else changed this cron since you opened the page. What you typed is kept below, and is saved "
    "over theirs if you save again."
)


class Said(NamedTuple):
    """What a schedule means, or why that cannot be said."""

    words: str
    below: str
    fires: list[tuple[str, str]]
    know: list[tuple[str, str]]
    """Tone and sentence."""
    error: str = ""


async def new(visit: Visit) -> Response:
    signed = await visit.in_team()
    form = form_fields.fresh(zones.zone_of(visit))
    given = visit.request.query_params.get("copy", "")
    if given.isascii() and given.isdecimal() and len(given) < 16:
        call = visit.call(signed, "get-cron")
        form = form_fields.copied(await crons.get(call.redis, call.team, int(given)))
    return await _shown(visit, signed, form)


async def create(visit: Visit, form: Form) -> Response:
    """Make it, or make it paused and send its request once; or only say what it would mean."""
    signed, do = await visit.in_team(), form.get("do")
    if do in LOOKS:
        return await _shown(visit, signed, form)
    try:
        wanted = form_fields.created(form, is_active=do == "create")
        call = visit.call(signed, "create-cron", form.once, wanted.model_dump_json())
        made = await crons.create(call, wanted)
        return await _sent(visit, signed, made.id, form)
    except IN_PLACE as error:
        return await _shown(visit, signed, _wrong(form, error), status=422)


async def edit(visit: Visit) -> Response:
    signed = await visit.in_team()
    cron, version = await _known(visit, signed)
    return await _shown(visit, signed, form_fields.shown(cron, version), cron)


async def update(visit: Visit, form: Form) -> Response:
    """Change it as the page showed it; what somebody else changed meanwhile is said first."""
    signed = await visit.in_team()
    cron, version = await _known(visit, signed)
    if form.get("do") in LOOKS:
        return await _shown(visit, signed, form, cron)
    try:
        if form.get(form_fields.VERSION) != version:
            raise Stale
        if changes := form_fields.changed(form, cron):
            seen = Versions(frozenset((version,)))
            await crons.update(visit.call(signed, "update-cron", versions=seen), cron.id, changes)
        return await _sent(visit, signed, cron.id, form)
    except Stale:
        cron, version = await _known(visit, signed)
        again = Form({**form.fields, form_fields.VERSION: version}, {"": _CHANGED})
        return await _shown(visit, signed, again, cron, 409)
    except IN_PLACE as error:
        return await _shown(visit, signed, _wrong(form, error), cron, 422)


async def _sent(visit: Visit, signed: Signed, cron_id: int, form: Form) -> Response:
    """On to the cron; or to what comes back, if its request is to be sent now."""
    if form.get("do") != "send":
        return to(path_of(signed, cron_id))
    made = await executions.create(visit.call(signed, "run-cron", form.once, str(cron_id)), cron_id)
    return to(path_of(signed, cron_id, "fires", made.id))


async def explain_part(visit: Visit, form: Form) -> Response:
    """What the schedule of a form means, while it is typed."""
    await visit.in_team()
    return rendered("crons/said.html", said=await said_of(visit, form))


async def back(visit: Visit) -> Response:
    return to(f"{path_of(await visit.in_team())}/new")


def _wrong(form: Form, error: Exception) -> Form:
    return form.wrong(schedules.renamed(form, errors_of(error)))


async def _known(visit: Visit, signed: Signed) -> tuple[Cron, str]:
    """The cron that the address names, and its version."""
    call = visit.call(signed, "get-cron")
    cron = await crons.show(call, visit.id("cron", "Cron"))
    return cron, call.versions.answered or ""


async def said_of(visit: Visit, form: Form) -> Said:
    zone = form.get("timezone").strip()
    try:
        expression = schedules.expression_of(form)
        if not expression:
            return Said("Say when", "as */5 * * * * for every five minutes", [], [])
        given = {"cron_expression": expression, "timezone": zone, "count": FIRES}
        query = parsed(ExplainQuery, given)
    except Refused as refused:
        sentence = next(iter(errors_of(refused).values()))
        return Said("Not yet a schedule", "", [], [], Form({}, {"when": sentence}).error("when"))
    now = await visit.having.now()
    found = explain(query, now)
    return Said(
        words=facts.plain(found.description) + (f" in {zones.city(zone)}" if zone != "UTC" else ""),
        below=_often(found.fires_per_month),
        fires=[(saying.dated(one.utc, zone), f"{one.utc:%H:%M} UTC") for one in found.next_runs],
        know=[
            *(("warn", sentence) for sentence in found.warnings),
            *(("ok", f"{saying.dated(one.at, zone)}: {one.effect}") for one in found.clock_changes),
        ],
    )


def _often(times: float) -> str:
    return (
        f"{times:,.0f} times a month"
        if times >= 2
        else f"{times * 12:,.0f} times a year"
        if times * 12 >= 1.5
        else "once a year or less"
    )


async def _shown(
    visit: Visit, signed: Signed, form: Form, cron: Cron | None = None, status: int = 200
) -> Response:
    if not signed.caller.has("write"):
        raise NotFound("Page")
    return await crons_page(
        visit,
        signed,
        "crons/form.html",
        status,
        form=form,
        cron=cron,
        fields=form_fields,
        schedules=schedules,
        checks=range(form_fields.checks_of(form, more=form.get("do") == "add")),
        zones=sorted(zone_data.release().names),
        said=await said_of(visit, form),
    )


routes = [page(NEW, new, create), page(EXPLAIN, back, explain_part), page(EDIT, edit, update)]
