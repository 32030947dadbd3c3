"""Signing in, by password, link and code, and out again."""

import re

from starlette.responses import Response

from services.api.pages.endpoint import page, to
from services.api.pages.forms import Form
from services.api.pages.rendering import rendered
from services.api.pages.visits import Visit
from shared.actions.accounts import sessions, sign_in, users
from shared.actions.accounts.sign_in import CodeNeeded, SignedIn
from shared.errors import Invalid, NotFound, TooManyAttempts, Unauthenticated
from shared.runtime import mail
from shared.security import refusals

LINK = "/sign-in/link/{code}"
_OURS = re.compile(r"/(?:t|me|join)(?:/[\w.~%-]*)*", re.ASCII)
"""Pages to go on to after the sign-in."""


async def show(visit: Visit) -> Response:
    if await visit.signed_or_none():
        return to("/")
    return password_page(visit, Form({"next": visit.request.query_params.get("next", "")}))


async def send(visit: Visit, form: Form) -> Response:
    try:
        found = await sign_in.with_password(
            visit.having, visit.visitor, form.get("email"), form.get("password")
        )
    except Unauthenticated as error:
        return password_page(visit, form.wrong({"": f"{error}."}), 401)
    except TooManyAttempts as error:
        refusals.count(error)
        sentence = f"{error}. Wait {error.wait_seconds} s, then try again."
        return password_page(visit, form.wrong({"": sentence}), 429, {"Retry-After": str(error.wait_seconds)})
    return entered(visit, found, form.get("next"))


async def send_code(visit: Visit, form: Form) -> Response:
    pending = form.get("pending")
    try:
        found = await sign_in.with_code(visit.having, visit.visitor, pending, form.get("code"))
    except Invalid as error:
        return _code(visit, form.wrong({error.field: str(error)}), 422)
    except Unauthenticated as error:
        return password_page(visit, Form(errors={"": f"{error}."}), 401)
    return entered(visit, found, form.get("next"))


async def link(visit: Visit) -> Response:
    """Asks for a press, so that whatever reads links ahead of people does not use them up."""
    return rendered("sign_in/link.html")


async def send_link(visit: Visit, _form: Form) -> Response:
    try:
        found = await sign_in.with_link(visit.having, visit.visitor, visit.request.path_params["code"])
    except NotFound:
        return gone("A link to sign in is good for one use and a quarter of an hour. Make another one.")
    if isinstance(found, SignedIn) and not (await users.get(visit.having.redis, found.user)).is_set_up:
        return visit.with_session(to("/welcome"), found)
    return entered(visit, found)


async def sign_out(visit: Visit, _form: Form) -> Response:
    signed = await visit.signed_or_none()
    if signed:
        await sessions.sign_out(visit.having, signed)
    return visit.without_session(to("/sign-in"))


def entered(visit: Visit, found: SignedIn | CodeNeeded, after: str = "") -> Response:
    """Inside, or at the question for the code."""
    if isinstance(found, CodeNeeded):
        return _code(visit, Form({"pending": found.pending, "next": after}))
    return visit.with_session(to(inside(after)), found)


def gone(sentence: str) -> Response:
    """The page of a link that was used or is too old."""
    return rendered("error.html", 404, title="This link is used up", sentence=sentence)


def password_page(
    visit: Visit, form: Form, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """The page of the sign-in, with the ways that are set up."""
    settings = visit.having.settings
    by_mail = not mail.missing(settings) and bool(settings.public_url)
    return rendered(
        "sign_in/password.html", status, headers, form=form, by_mail=by_mail, provider=visit.provider
    )


def inside(path: str) -> str:
    """A page of ours to go on to, or the start: whatever else was given leads nowhere."""
    return path if _OURS.fullmatch(path) else "/"


def _code(visit: Visit, form: Form, status: int = 200) -> Response:
    return rendered("sign_in/code.html", status, form=form)


routes = [
    page("/sign-in", show, send),
    page("/sign-in/code", send=send_code),
    page(LINK, link, send_link),
    page("/sign-out", send=sign_out),
]
