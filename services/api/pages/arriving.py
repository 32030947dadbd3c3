"""The first steps of somebody new: the first owner's welcome, an invitation, another password by a link."""

from starlette.responses import Response

from services.api.pages import zones
from services.api.pages.endpoint import IN_PLACE, page, to
from services.api.pages.forms import Form, errors_of, parsed
from services.api.pages.rendering import rendered
from services.api.pages.sign_in import entered, gone
from services.api.pages.visits import Visit
from shared.actions.accounts import invitations, joining, profile, resets, users
from shared.actions.accounts.joining import Invited
from shared.errors import NotFound
from shared.schemas.accounts.users import UserCreate, UserSetUp

JOIN = f"{invitations.JOIN}/{{code}}"
RESET = "/reset/{code}"
_NO_INVITATION = "An invitation is good for one use and 7 days, until it is cancelled. Ask for another one."
_NO_RESET = "A link to set a password is good for one use and an hour. Ask for another one."


async def welcome(visit: Visit) -> Response:
    signed = await visit.signed()
    user = await users.get(visit.having.redis, signed.user)
    if user.is_set_up:
        return to("/")
    return rendered("welcome.html", form=Form({"name": user.name}))


async def send_welcome(visit: Visit, form: Form) -> Response:
    signed = await visit.signed()
    try:
        wanted = parsed(UserSetUp, {name: form.get(name) for name in UserSetUp.model_fields})
        opened = await profile.set_up(visit.having, visit.visitor, signed, wanted)
    except IN_PLACE as error:
        return rendered("welcome.html", 422, form=form.wrong(errors_of(error)))
    return visit.with_session(to("/"), opened)


async def invitation(visit: Visit) -> Response:
    try:
        invited = await joining.look(visit.having, visit.visitor, visit.request.path_params["code"])
    except NotFound:
        return gone(_NO_INVITATION)
    return await _invitation(visit, invited, Form())


async def accept(visit: Visit, form: Form) -> Response:
    """As who is signed in with that address, or as somebody new, who gets a user with that."""
    having, visitor, code = visit.having, visit.visitor, visit.request.path_params["code"]
    try:
        invited = await joining.look(having, visitor, code)
    except NotFound:
        return gone(_NO_INVITATION)
    try:
        if form.has("password"):
            given = parsed(UserCreate, {name: form.get(name) for name in UserCreate.model_fields})
            opened = await joining.join(having, visitor, code, name=given.name, password=given.password)
            return visit.with_session(to(f"/t/{invited.team}"), opened)
        await joining.accept(having, visitor, await visit.signed(), code)
    except IN_PLACE as error:
        return await _invitation(visit, invited, form.wrong(errors_of(error)), 422)
    return to(f"/t/{invited.team}")


async def reset(visit: Visit) -> Response:
    try:
        email = await resets.look(visit.having, visit.visitor, visit.request.path_params["code"])
    except NotFound:
        return gone(_NO_RESET)
    return rendered("reset.html", email=email, form=Form())


async def send_reset(visit: Visit, form: Form) -> Response:
    having, visitor, code = visit.having, visit.visitor, visit.request.path_params["code"]
    try:
        email = await resets.look(having, visitor, code)
        found = await resets.set_password(having, visitor, code, form.get("password"))
    except NotFound:
        return gone(_NO_RESET)
    except IN_PLACE as error:
        return rendered("reset.html", 422, email=email, form=form.wrong(errors_of(error)))
    return entered(visit, found)


async def forgotten(_visit: Visit) -> Response:
    return rendered("forgotten.html", form=Form(), is_sent=False)


async def send_forgotten(visit: Visit, form: Form) -> Response:
    try:
        await resets.request(visit.having, visit.visitor, form.get("email"))
    except IN_PLACE as error:
        return rendered("forgotten.html", 409, form=form.wrong(errors_of(error)), is_sent=False)
    return rendered("forgotten.html", form=form, is_sent=True)


async def _invitation(visit: Visit, invited: Invited, form: Form, status: int = 200) -> Response:
    signed = await visit.signed_or_none()
    return rendered(
        "join.html",
        status,
        invited=invited,
        signed=signed,
        is_theirs=bool(signed and signed.email.lower() == invited.email.lower()),
        form=form,
        code=visit.request.path_params["code"],
        provider=visit.provider,
        now=await zones.now(visit),
    )


routes = [
    page("/welcome", welcome, send_welcome),
    page(JOIN, invitation, accept),
    page("/forgotten", forgotten, send_forgotten),
    page(RESET, reset, send_reset),
]
