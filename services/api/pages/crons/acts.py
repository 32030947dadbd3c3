"""What is done to one cron: run now, paused, resumed, deleted."""

from dataclasses import replace

from starlette.responses import Response

from services.api.pages.crons.shell import ONE, crons_page, path_of
from services.api.pages.endpoint import Send, page, to
from services.api.pages.forms import Form
from services.api.pages.live import undo
from services.api.pages.visits import Visit
from shared.actions import crons, executions
from shared.errors import NotFound, Stale
from shared.operations import Versions
from shared.schemas.crons import CronUpdate

_CHANGED = "Somebody changed this cron since you opened the page. Look at it, then type its name again."


async def run(visit: Visit, form: Form) -> Response:
    """Start it now, and show what becomes of it."""
    signed = await visit.in_team()
    cron_id = visit.id("cron", "Cron")
    made = await executions.create(visit.call(signed, "run-cron", form.once), cron_id)
    return to(path_of(signed, cron_id, "fires", made.id))


def _turning(*, is_active: bool) -> Send:
    async def turn(visit: Visit, form: Form) -> Response:
        signed = await visit.in_team()
        cron_id = visit.id("cron", "Cron")
        call = visit.call(signed, "update-cron", form.once)
        await crons.update(call, cron_id, CronUpdate(is_active=is_active))
        here = path_of(signed) if form.get("next") == "list" else path_of(signed, cron_id)
        return to(undo.done(here, cron_id, is_active=is_active))

    return turn


async def back(visit: Visit) -> Response:
    """Who loads the address of a form again comes to the cron."""
    signed = await visit.in_team()
    return to(path_of(signed, visit.id("cron", "Cron")))


async def ask_delete(visit: Visit) -> Response:
    return await _deleting(visit, Form())


async def delete(visit: Visit, form: Form) -> Response:
    """Only once its name was typed, and only as the page showed it."""
    signed, cron_id = await visit.in_team(), visit.id("cron", "Cron")
    call = visit.call(signed, "delete-cron", form.once, versions=_seen(form))
    try:
        cron = await crons.get(call.redis, call.team, cron_id)
        if form.get("name").strip() != cron.name.strip():
            sentence = "The name field must be the name of the cron, as it stands above."
            return await _deleting(visit, form.wrong({"name": sentence}), 422)
        await crons.delete(call, cron_id)
    except NotFound:
        # It was done by this form, if its answer was lost; or it is not found.
        await crons.delete(replace(call, versions=Versions()), cron_id)
    except Stale:
        return await _deleting(visit, form.wrong({"": _CHANGED}), 409)
    return to(path_of(signed))


def _seen(form: Form) -> Versions | None:
    return Versions(frozenset((form.get("version"),))) if form.get("version") else None


async def _deleting(visit: Visit, form: Form, status: int = 200) -> Response:
    signed, cron_id = await visit.in_team(), visit.id("cron", "Cron")
    call = visit.call(signed, "get-cron")
    cron = await crons.show(call, cron_id)
    version = call.versions.answered or ""
    return await crons_page(visit, signed, "crons/delete.html", status, cron=cron, version=version, form=form)


routes = [
    page(f"{ONE}/run", back, run),
    page(f"{ONE}/pause", back, _turning(is_active=False)),
    page(f"{ONE}/resume", back, _turning(is_active=True)),
    page(f"{ONE}/delete", ask_delete, delete),
]
