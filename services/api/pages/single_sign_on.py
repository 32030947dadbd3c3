"""To the provider of single sign-on, and back."""

from starlette.responses import Response

from services.api.pages.endpoint import page
from services.api.pages.forms import Form
from services.api.pages.rendering import rendered
from services.api.pages.sign_in import entered, inside, password_page
from services.api.pages.visits import Visit
from shared.actions.accounts import single_sign_on
from shared.actions.accounts.sign_in import SignedIn
from shared.actions.accounts.single_sign_on import VALID_MINUTES, Answer, Arrived
from shared.errors import Forbidden, ProviderAway, TooManyAttempts, Unauthenticated
from shared.security.oidc.provider import CALLBACK


async def send(visit: Visit, form: Form) -> Response:
    """The page from which the browser goes on to the provider.

    A redirect in answer to the form would be judged by `form-action` of the page with the form, in Chromium
    with every redirect after it, wherever the provider sends people. A page that goes on by itself needs no
    hole in that policy, and no script.
    """
    after = form.get("next")
    try:
        going = await single_sign_on.begin(visit.having, visit.visitor, visit.browser, after)
    except (ProviderAway, TooManyAttempts) as error:
        return _refused(visit, Form({"next": after}), error)
    response = rendered("sign_in/going.html", address=going.address, provider=visit.provider)
    return visit.with_browser(response, going.browser, VALID_MINUTES * 60)


async def back(visit: Visit) -> Response:
    given = visit.request.query_params
    answer = Answer(
        given.get("state", ""), given.get("code", ""), given.get("error", ""), given.get("iss", "")
    )
    try:
        arrived = await single_sign_on.finish(visit.having, visit.visitor, visit.browser, answer)
    except (Unauthenticated, Forbidden, ProviderAway) as error:
        return _refused(visit, Form(), error)
    return visit.with_browser(_arrived(visit, arrived), "", 0)


def _arrived(visit: Visit, arrived: Arrived) -> Response:
    """Inside; or first, this once, what is gone by which somebody else could have got in."""
    found = arrived.found
    if not arrived.removed or not isinstance(found, SignedIn):
        return entered(visit, found, arrived.after)
    told = rendered(
        "sign_in/taken_back.html",
        email=arrived.email,
        removed=" and ".join(arrived.removed),
        after=inside(arrived.after),
        provider=visit.provider,
    )
    return visit.with_session(told, found)


def _refused(visit: Visit, form: Form, error: Exception) -> Response:
    """The sign-in again, with what was wrong."""
    sentence, headers = f"{error}.", {}
    match error:
        case TooManyAttempts():
            status, headers = 429, {"Retry-After": str(error.wait_seconds)}
            sentence = f"{error}. Wait {error.wait_seconds} s, then try again."
        case ProviderAway():
            status, sentence = 502, f"{error}. {error.hint}"
        case Forbidden():
            status = 403
        case _:
            status = 401
    return password_page(visit, form.wrong({"": sentence}), status, headers)


routes = [page("/sign-in/oidc", send=send), page(CALLBACK, back)]
