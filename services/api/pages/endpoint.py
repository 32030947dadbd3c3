"""What answers at the address of a page: only forms of ours change anything, and errors are pages too."""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope
from starlette.types import Send as SendMessage

from services.api.errors import Malformed, Refused, TooLarge
from services.api.pages import origins
from services.api.pages.forms import SECRETS, Form, form_of
from services.api.pages.packing import packed
from services.api.pages.rendering import HEADERS, rendered, themed
from services.api.pages.visits import Visit, visit_of
from services.api.routing import Resource
from shared.errors import (
    Conflict,
    Damaged,
    Ended,
    Forbidden,
    Invalid,
    NotFound,
    ProviderAway,
    RecuroError,
    TooManyGuesses,
    Unauthenticated,
)
from shared.security import refusals
from shared.security.tokens import digest_of
from shared.store.connection import AWAY, OutcomeUnknown, translated

SIGN_IN = "/sign-in"
IN_PLACE = (Refused, Invalid, Conflict, Forbidden)
"""What a form itself says, at its field or above."""
RETRY_SECONDS = "1"
_STATUSES: dict[type[Exception], int] = {
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Damaged: 409,
    TooManyGuesses: 429,
    ProviderAway: 502,
    Malformed: 400,
    TooLarge: 413,
}
_NO_SUCH_METHOD = "This address does not answer a request of that kind. Go to it from a page."
_NOT_FOUND = "There is no such page, or it is of a team that you are not in."

_OURS = (
    "The mistake is ours, and is in the log. Whoever runs Recuro finds it there by the id of this request."
)

Look = Callable[[Visit], Awaitable[Response]]
Send = Callable[[Visit, Form], Awaitable[Response]]
Telling = Callable[[Request, Exception], Awaitable[Response]]
"""Answers an error."""

log = structlog.get_logger()


def page(path: str, look: Look | None = None, send: Send | None = None) -> Route:
    """The route of a page: what it shows, and what its forms do."""
    methods = {}
    if look:
        methods["GET"] = _looking(look)
    if send:
        methods["POST"] = _sending(send)
    return Route(path, Page(path, methods), name=path)


class Page(Resource):
    """What answers at the address of a page; a wrong method is answered by a page too."""

    async def __call__(self, scope: Scope, receive: Receive, send: SendMessage) -> None:
        try:
            await super().__call__(scope, receive, send)
        except HTTPException as error:
            title, status = "That cannot be done here", error.status_code
            response = rendered("error.html", status, error.headers, title=title, sentence=_NO_SUCH_METHOD)
            await response(scope, receive, send)


def or_no_page(told: Telling) -> Telling:
    """A page that says to a browser that nothing is at an address; anybody else is `told` it."""

    async def handle(request: Request, error: Exception) -> Response:
        accepts = request.headers.get("accept", "")
        if isinstance(error, HTTPException) and error.status_code == 404 and "text/html" in accepts:
            shown = rendered("error.html", 404, error.headers, title=_TITLES[404], sentence=_NOT_FOUND)
            return packed(request, themed(request, shown))
        return await told(request, error)

    return handle


def to(address: str) -> Response:
    """Go on to another page."""
    return RedirectResponse(address, 303, HEADERS)


def _looking(look: Look) -> Callable[[Request], Awaitable[Response]]:
    async def looked(request: Request) -> Response:
        visit = visit_of(request)
        try:
            response = await look(visit)
        except Exception as error:
            response = _shown(visit, error)
        return packed(request, themed(request, response))

    return looked


def _sending(send: Send) -> Callable[[Request], Awaitable[Response]]:
    async def sent(request: Request) -> Response:
        visit, form = visit_of(request), Form()
        try:
            origins.check(request, visit.having.settings)
            form = await form_of(request)
            response = await send(visit, form)
        except Exception as error:
            response = _shown(visit, error, form)
        return packed(request, themed(request, response))

    return sent


def _shown(visit: Visit, error: Exception, form: Form | None = None) -> Response:
    """The page of an error; raises it again if nobody is there, or no page is meant."""
    if isinstance(error, ClientDisconnect | HTTPException):
        raise error
    if isinstance(error, Ended):  # the team, a moment ago; the session goes on
        visit.having.sessions.forget(digest_of(visit.visitor.session or ""))
        error = NotFound("Team")
    if isinstance(error, Unauthenticated):
        return _signed_out(visit)
    known = translated(error)
    if isinstance(known, RecuroError):
        refusals.count(known)
    if isinstance(known, AWAY):
        return _away(visit, known, form)
    status = next((code for kind, code in _STATUSES.items() if isinstance(known, kind)), None)
    if status is None:
        log.exception("request_failed", request_id=visit.visitor.request_id)
        return rendered("error.html", 500, title="Something is wrong here", sentence=_OURS)
    if isinstance(known, Damaged):
        log.error("record_damaged", error=str(known))
    headers = {"Retry-After": str(known.wait_seconds)} if isinstance(known, TooManyGuesses) else {}
    return rendered("error.html", status, headers, title=_TITLES[status], sentence=_sentence(known))


_TITLES = {
    400: "That form cannot be read",
    403: "You may not do that",
    404: "Not found",
    409: "That is not possible now",
    413: "That is too much",
    429: "Too many attempts",
    502: "The sign-in does not answer",
}


def _sentence(error: Exception) -> str:
    if isinstance(error, NotFound):
        return _NOT_FOUND
    if isinstance(error, TooLarge):
        return "A form must not be larger than 1 MiB."
    text = str(error).rstrip(".") + "."
    if isinstance(error, TooManyGuesses):
        return f"{text} Wait {error.wait_seconds} s, then try again."
    return f"{text} {error.hint}" if isinstance(error, Damaged) else text


def _signed_out(visit: Visit) -> Response:
    """To the sign-in, and from there back to the page; a session that ended is forgotten."""
    request = visit.request
    if "hx-request" in request.headers:  # a part of a page asks: the page as a whole goes there
        return Response(None, 204, {**HEADERS, "HX-Redirect": SIGN_IN})
    path = request.scope["path"]
    back = f"?next={quote(path)}" if request.method == "GET" and path != "/" else ""
    away = to(f"{SIGN_IN}{back}")
    if not visit.visitor.session:
        return away
    visit.having.sessions.forget(digest_of(visit.visitor.session))
    return visit.without_session(away)


def _away(visit: Visit, error: Exception, form: Form | None) -> Response:
    """Redis does not answer: what was typed is kept, and sent again by a press."""
    log.warning("redis_away", error=repr(error))
    typed = form.fields if form else {}
    return rendered(
        "away.html",
        503,
        {"Retry-After": RETRY_SECONDS},
        action=visit.request.scope["path"],
        kept={name: text for name, text in typed.items() if name not in SECRETS},
        secrets=[name for name in typed if name in SECRETS],
        is_form=form is not None and bool(typed),
        may_be_done=isinstance(error, OutcomeUnknown),
        is_once=form is not None and form.has("once"),
    )
