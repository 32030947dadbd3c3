"""The second factor of a user: added by an app, with recovery codes that are shown before they count."""

import re

import segno
from starlette.responses import Response

from services.api.pages.endpoint import IN_PLACE, page, to
from services.api.pages.forms import Form, errors_of
from services.api.pages.shell import team_page
from services.api.pages.visits import Visit
from shared.actions.accounts import profile, proof, protection
from shared.actions.accounts.protection import Offer
from shared.security import second_factor
from shared.security.sessions import Signed

PATH = "/me/second-factor"
CODES = f"{PATH}/recovery-codes"
REMOVE = f"{PATH}/remove"
MOST_CODES = 1000
"""Characters of the codes that a form brings back."""
_SECRET = re.compile(r"[A-Z2-7]{32}")
"""As the page before has shown it, which is shown again for a wrong code."""
_QUESTIONS = {
    PATH: ("Add a second factor", "Signing in asks for a code of an app then, beside your password."),
    CODES: (
        "Renew recovery codes",
        "Ten others are shown. Those you have count until you say that they are kept.",
    ),
    REMOVE: ("Remove the second factor", "Signing in asks for your password alone then."),
}


async def ask(visit: Visit) -> Response:
    """Asks who it is, before anything is shown or changed."""
    signed = await visit.signed()
    user = await profile.get(visit.having, signed)
    if user.has_second_factor == (visit.request.scope["path"] == PATH):
        return to("/me")
    return await _asking(visit, signed, Form())


async def begin(visit: Visit, form: Form) -> Response:
    signed = await visit.signed()
    try:
        offer = await protection.begin(visit.having, visit.visitor, signed, form.get("current"))
    except IN_PLACE as error:
        return await _asking(visit, signed, form.wrong(errors_of(error)), 422)
    return await _adding(visit, signed, Form(), offer)


async def confirm(visit: Visit, form: Form) -> Response:
    signed = await visit.signed()
    offer = _offer_of(form)
    if not _SECRET.fullmatch(offer.secret):
        return to("/me")
    if not form.has("kept"):
        return await _adding(visit, signed, form.wrong({"kept": _KEPT}), offer, 422)
    try:
        opened = await protection.confirm(visit.having, visit.visitor, signed, offer, form.get("code"))
    except IN_PLACE as error:
        return await _adding(visit, signed, form.wrong(errors_of(error)), offer, 422)
    return visit.with_session(to("/me"), opened)


async def offer_codes(visit: Visit, form: Form) -> Response:
    signed = await visit.signed()
    try:
        offer = await protection.offer_codes(
            visit.having, visit.visitor, signed, current=form.get("current"), code=form.get("code")
        )
    except IN_PLACE as error:
        return await _asking(visit, signed, form.wrong(errors_of(error)), 422)
    return await _renewing(visit, signed, Form(), offer)


async def take_codes(visit: Visit, form: Form) -> Response:
    signed = await visit.signed()
    offer = _offer_of(form)
    try:
        opened = await protection.take_codes(visit.having, visit.visitor, signed, offer)
    except IN_PLACE as error:
        return await _asking(visit, signed, Form(errors=errors_of(error)), 422)
    return visit.with_session(to("/me"), opened)


async def remove(visit: Visit, form: Form) -> Response:
    signed = await visit.signed()
    try:
        opened = await protection.remove(
            visit.having, visit.visitor, signed, current=form.get("current"), code=form.get("code")
        )
    except IN_PLACE as error:
        return await _asking(visit, signed, form.wrong(errors_of(error)), 422)
    return visit.with_session(to("/me"), opened)


async def _asking(visit: Visit, signed: Signed, form: Form, status: int = 200) -> Response:
    """What the address stands for, and what is to be entered for it."""
    path = visit.request.scope["path"].removesuffix("/confirm")
    title, sentence = _QUESTIONS[path]
    user = await profile.get(visit.having, signed)
    return await team_page(
        visit,
        signed,
        "me/prove.html",
        status,
        section="me",
        action=path,
        title=title,
        sentence=sentence,
        stale="" if user.has_password or await proof.is_fresh(visit.having, signed) else proof.STALE,
        user=user,
        form=form,
    )


async def _adding(visit: Visit, signed: Signed, form: Form, offer: Offer, status: int = 200) -> Response:
    address = second_factor.address_of(offer.secret, signed.email)
    return await team_page(
        visit,
        signed,
        "me/second_factor.html",
        status,
        section="me",
        form=form,
        offer=offer,
        address=address,
        picture=segno.make(address, micro=False).svg_data_uri(scale=5, border=4, dark="#000", light="#fff"),
    )


async def _renewing(visit: Visit, signed: Signed, form: Form, offer: Offer) -> Response:
    return await team_page(
        visit,
        signed,
        "me/recovery_codes.html",
        section="me",
        form=form,
        offer=offer,
        action=f"{CODES}/confirm",
    )


def _offer_of(form: Form) -> Offer:
    """What the page before has shown, as its form brings it back."""
    return Offer(form.get("codes")[:MOST_CODES].split(), form.get("secret"))


_KEPT = "The kept field must say that you have them: without them a lost app locks you out."

routes = [
    page(PATH, ask, begin),
    page(f"{PATH}/confirm", send=confirm),
    page(CODES, ask, offer_codes),
    page(f"{CODES}/confirm", send=take_codes),
    page(REMOVE, ask, remove),
]
