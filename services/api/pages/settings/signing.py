"""Settings, Signing: the secret that signs requests, and why a check of a signature fails."""

from starlette.responses import Response

from services.api.errors import Refused
from services.api.pages.endpoint import IN_PLACE, page, to
from services.api.pages.forms import Form, errors_of, parsed
from services.api.pages.settings.shell import path_of, settings_page
from services.api.pages.settings.token_forms import Option
from services.api.pages.shell import Question, confirm_page
from services.api.pages.visits import Visit
from shared.actions import signatures
from shared.schemas.teams import SignatureCheck, SignatureQuery, SigningSecret, SigningSecretCreate
from shared.security.sessions import Signed

SECTION = "signing"
PATH = f"/t/{{team}}/settings/{SECTION}"
KEPT = (
    Option("0", "Not at all"),
    Option("1", "1 hour"),
    Option("24", "1 day"),
    Option("168", "7 days"),
    Option("720", "30 days"),
)
_PREFIXES = ("< ", "> ")
"""With which curl marks headers."""


async def show(visit: Visit) -> Response:
    return await _shown(visit, await visit.in_team())


async def rotate(visit: Visit, form: Form) -> Response:
    """Make a secret and show it, this once; the same form sent again shows the same one."""
    signed = await visit.as_admin()
    try:
        wanted = parsed(SigningSecretCreate, {"keep_hours": form.get("keep_hours", "0")})
        call = visit.call(signed, "rotate-signing", form.once, str(wanted.keep_hours))
        made = await signatures.rotate(call, wanted.keep_hours)
    except IN_PLACE as error:
        return await _shown(visit, signed, form=form.wrong(errors_of(error)), status=422)
    return await _shown(visit, signed, fresh=made, status=201)


async def check(visit: Visit, form: Form) -> Response:
    """Which part of a request that was pasted differs; browsers send line ends as CR LF."""
    signed = await visit.in_team()
    try:
        body = form.get("body").replace("\r\n", "\n")
        given = {"headers": _headers(form), "body": body, "secret": form.get("own_secret").strip() or None}
        found = await signatures.check(visit.call(signed, "check-signature"), parsed(SignatureQuery, given))
    except IN_PLACE as error:
        wrong = {"own_secret" if name == "secret" else name: text for name, text in errors_of(error).items()}
        return await _shown(visit, signed, form=form.wrong(wrong), status=422)
    return await _shown(visit, signed, form=form.wrong({}), found=found)


async def ask_delete(visit: Visit) -> Response:
    signed = await visit.as_admin()
    question = Question(
        "Stop signing?",
        "What leaves from now on has no signature, so that receivers which check one refuse it. "
        "The secrets are forgotten; signing begins again with another.",
        "Stop signing",
    )
    return await confirm_page(visit, signed, question, section=SECTION, back=path_of(signed, SECTION))


async def delete(visit: Visit, form: Form) -> Response:
    signed = await visit.as_admin()
    await signatures.remove(visit.call(signed, "delete-signing", form.once))
    return to(path_of(signed, SECTION))


def _headers(form: Form) -> dict[str, str]:
    """Those of the lines; raises Refused, naming a line that is none."""
    found = {}
    for line in form.get("headers").splitlines():
        text = line.strip()
        for prefix in _PREFIXES:
            text = text.removeprefix(prefix)
        name, colon, value = text.partition(":")
        if text and not (colon and name.strip()):
            raise Refused(
                {"headers": [f"The headers field has the line “{text[:40]}”, which is no Name: value."]}
            )
        if text:
            found[name.strip()] = value.strip()
    return found


async def _shown(
    visit: Visit,
    signed: Signed,
    *,
    form: Form | None = None,
    fresh: SigningSecret | None = None,
    found: SignatureCheck | None = None,
    status: int = 200,
) -> Response:
    state = await signatures.state(visit.call(signed, "get-signing"))
    return await settings_page(
        visit,
        signed,
        SECTION,
        "signing/index.html",
        status,
        state=state,
        fresh=fresh,
        found=found,
        kept=KEPT,
        form=form or Form({"keep_hours": "24", "headers": "", "body": ""}),
    )


routes = [
    page(PATH, show, rotate),
    page(f"{PATH}/check", send=check),
    page(f"{PATH}/delete", ask_delete, delete),
]
