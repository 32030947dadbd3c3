"""The second factor of a user: added by an app, with recovery codes that are shown once."""

import re

from starlette.responses import Response

from services.api.pages import me
from services.api.pages.endpoint import IN_PLACE, page, to
from services.api.pages.forms import Form, errors_of
from services.api.pages.shell import team_page
from services.api.pages.visits import Visit
from shared.actions.accounts import profile
from shared.actions.accounts.profile import Protected
from shared.security import second_factor
from shared.security.sessions import Signed

PATH = "/me/second-factor"
_SECRET = re.compile(r"[A-Z2-7]{32}")
"""As the page before has shown it, which is shown again for a wrong code."""


async def begin(visit: Visit, _form: Form) -> Response:
    signed = await visit.signed()
    begun = await profile.begin_second_factor(visit.having, signed)
    return await _adding(visit, signed, Form({"secret": begun.secret}))


async def confirm(visit: Visit, form: Form) -> Response:
    signed = await visit.signed()
    if not _SECRET.fullmatch(form.get("secret")):
        return to("/me")
    try:
        protected = await profile.confirm_second_factor(visit.having, visit.visitor, signed, form.get("code"))
    except IN_PLACE as error:
        return await _adding(visit, signed, form.wrong(errors_of(error)), 422)
    return await _codes(visit, signed, protected)


async def renew(visit: Visit, form: Form) -> Response:
    signed = await visit.signed()
    try:
        protected = await profile.renew_recovery_codes(visit.having, visit.visitor, signed, form.get("code"))
    except IN_PLACE as error:
        return await me.shown(visit, signed, {"code": form.wrong(errors_of(error))}, 422)
    return await _codes(visit, signed, protected)


async def remove(visit: Visit, form: Form) -> Response:
    signed = await visit.signed()
    try:
        opened = await profile.remove_second_factor(visit.having, visit.visitor, signed, form.get("code"))
    except IN_PLACE as error:
        return await me.shown(visit, signed, {"code": form.wrong(errors_of(error))}, 422)
    return visit.with_session(to("/me"), opened)


async def _adding(visit: Visit, signed: Signed, form: Form, status: int = 200) -> Response:
    address = second_factor.address_of(form.get("secret"), signed.email)
    return await team_page(
        visit, signed, "me/second_factor.html", status, section="me", form=form, address=address
    )


async def _codes(visit: Visit, signed: Signed, protected: Protected) -> Response:
    page_of_them = await team_page(
        visit, signed, "me/recovery_codes.html", section="me", codes=protected.recovery_codes
    )
    return visit.with_session(page_of_them, protected.signed_in)


routes = [
    page(PATH, send=begin),
    page(f"{PATH}/confirm", send=confirm),
    page(f"{PATH}/recovery-codes", send=renew),
    page(f"{PATH}/remove", send=remove),
]
