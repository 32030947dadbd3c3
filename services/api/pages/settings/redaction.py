"""Settings, Redaction: which fields of requests and answers are not kept, for the whole team."""

from starlette.responses import Response

from services.api.pages.endpoint import IN_PLACE, page, to
from services.api.pages.forms import Form, errors_of, parsed
from services.api.pages.settings.shell import CHANGED, VERSION, path_of, seen, settings_page, version_of
from services.api.pages.visits import Visit
from shared.actions.redaction import of_team
from shared.errors import Stale
from shared.schemas.teams import MAX_RULES, Redaction
from shared.security.sessions import Signed

SECTION = "redaction"
PATH = f"/t/{{team}}/settings/{SECTION}"


async def show(visit: Visit) -> Response:
    return await _shown(visit, await visit.in_team())


async def change(visit: Visit, form: Form) -> Response:
    """Set all rules as the page showed them; what somebody else set meanwhile is shown first."""
    signed = await visit.as_admin()
    try:
        lines = (line.strip() for line in form.get("redact").splitlines())
        wanted = parsed(Redaction, {"redact": [line for line in lines if line]})
        await of_team.put(visit.call(signed, "set-redaction", versions=seen(form)), wanted)
    except Stale:
        return await _shown(visit, signed, Form(form.fields, {"": CHANGED}), 409)
    except IN_PLACE as error:
        return await _shown(visit, signed, form.wrong(errors_of(error)), 422)
    return to(path_of(signed, SECTION))


async def _shown(visit: Visit, signed: Signed, typed: Form | None = None, status: int = 200) -> Response:
    call = visit.call(signed, "get-redaction")
    known = await of_team.show(call)
    given = typed.fields if typed else {"redact": "\n".join(known.redact)}
    form = Form({**given, VERSION: version_of(call)}, typed.errors if typed else {})
    return await settings_page(
        visit,
        signed,
        SECTION,
        "redaction/index.html",
        status,
        rules=known.redact,
        most=MAX_RULES,
        form=form,
    )


routes = [page(PATH, show, change)]
