"""You: name, password, second factor, where you are signed in, and your teams."""

from starlette.responses import Response

from services.api.pages.endpoint import IN_PLACE, page, to
from services.api.pages.forms import Form, errors_of, parsed
from services.api.pages.shell import team_page
from services.api.pages.visits import Visit
from shared.actions.accounts import profile, sessions, users
from shared.schemas.accounts.users import UserUpdate
from shared.security.sessions import Signed


async def show(visit: Visit) -> Response:
    signed = await visit.signed()
    return await shown(visit, signed, {"name": Form({"name": signed.name})})


async def rename(visit: Visit, form: Form) -> Response:
    signed = await visit.signed()
    try:
        wanted = parsed(UserUpdate, {"name": form.get("name")})
        await profile.rename(visit.having, visit.visitor, signed, wanted.name)
    except IN_PLACE as error:
        return await shown(visit, signed, {"name": form.wrong(errors_of(error))}, 422)
    return to("/me")


async def change_password(visit: Visit, form: Form) -> Response:
    signed = await visit.signed()
    try:
        opened = await profile.change_password(
            visit.having, visit.visitor, signed, form.get("current"), form.get("password")
        )
    except IN_PLACE as error:
        return await shown(visit, signed, {"password": form.wrong(errors_of(error))}, 422)
    return visit.with_session(to("/me"), opened)


async def revoke(visit: Visit, _form: Form) -> Response:
    signed = await visit.signed()
    await sessions.revoke(visit.having, visit.visitor, signed, visit.request.path_params["session"])
    return to("/me")


async def revoke_others(visit: Visit, _form: Form) -> Response:
    await sessions.revoke_others(visit.having, visit.visitor, await visit.signed())
    return to("/me")


async def shown(visit: Visit, signed: Signed, forms: dict[str, Form], status: int = 200) -> Response:
    """The page, with the forms that are to be shown again."""
    stored = await users.get(visit.having.redis, signed.user)
    user = stored.shown()
    return await team_page(
        visit,
        signed,
        "me/index.html",
        status,
        section="me",
        user=user,
        is_set_up=stored.is_set_up,
        named=forms.get("name", Form({"name": user.name})),
        password=forms.get("password", Form()),
        sessions=await sessions.listed(visit.having.redis, signed),
    )


routes = [
    page("/me", show),
    page("/me/name", send=rename),
    page("/me/password", send=change_password),
    page("/me/sessions/{session}/revoke", send=revoke),
    page("/me/sessions/revoke-others", send=revoke_others),
]
