"""Settings, API: the tokens of the team, made here and shown once."""

from starlette.responses import Response

from services.api.pages import zones
from services.api.pages.endpoint import IN_PLACE, Look, page, to
from services.api.pages.forms import Form, errors_of
from services.api.pages.lists import PER_PAGE, page_of
from services.api.pages.rendering import rendered
from services.api.pages.settings import clients, token_forms
from services.api.pages.shell import Question, confirm_page, team_page
from services.api.pages.visits import Visit
from shared.actions.accounts import tokens, users
from shared.errors import Stale
from shared.operations import Versions
from shared.schemas.accounts.tokens import Token, TokenCreated
from shared.schemas.base import PageQuery
from shared.security.sessions import Signed

_CHANGED = (
    "Somebody else changed this token since you opened the page. Above it stands as it is now; "
    "what you typed is kept below. Save again to put it in the place of theirs."
)
PATH = "/t/{team}/settings/api"
ONE = f"{PATH}/{{token}}"


async def index(visit: Visit) -> Response:
    return await _index(visit, await visit.as_admin(), Form({"scope": "write"}))


async def create(visit: Visit, form: Form) -> Response:
    """Make a token and show it, this once; the same form sent again shows the same token."""
    signed = await visit.as_admin()
    try:
        wanted = token_forms.created(form, await visit.having.now())
        call = visit.call(signed, "create-token", form.once, wanted.model_dump_json(exclude={"expires_at"}))
        made = await tokens.create(call, wanted)
    except IN_PLACE as error:
        return await _index(visit, signed, form.wrong(_renamed(errors_of(error))), status=422)
    return await _index(visit, signed, Form({"scope": "write"}), fresh=made, status=201)


async def show(visit: Visit) -> Response:
    signed = await visit.as_admin()
    token, version = await _known(visit, signed)
    return await _one(visit, signed, token, token_forms.shown(token, version))


async def update(visit: Visit, form: Form) -> Response:
    """Change it as the page showed it; what somebody else changed meanwhile is shown first."""
    signed = await visit.as_admin()
    token, version = await _known(visit, signed)
    try:
        changes = token_forms.changed(form, await visit.having.now())
        seen = Versions(frozenset((form.get(token_forms.VERSION),)))
        await tokens.update(visit.call(signed, "update-token", versions=seen), token.id, changes)
    except Stale:
        token, version = await _known(visit, signed)
        again = Form({**form.fields, token_forms.VERSION: version}, {"": _CHANGED})
        return await _one(visit, signed, token, again, status=409)
    except IN_PLACE as error:
        return await _one(visit, signed, token, form.wrong(_renamed(errors_of(error))), status=422)
    return to(_path(signed))


async def first_call(visit: Visit) -> Response:
    """The line that waits for the first call of a token; it asks again until there was one."""
    signed = await visit.as_admin()
    token = await _token(visit, signed)
    return rendered("tokens/first_call.html", token=token, team=signed.team, now=await zones.now(visit))


async def regenerate(visit: Visit, form: Form) -> Response:
    signed = await visit.as_admin()
    call = visit.call(signed, "regenerate-token", form.once)
    made = await tokens.regenerate(call, visit.id("token", "Token"))
    return await _index(visit, signed, Form({"scope": "write"}), fresh=made, status=201)


def _asks(title: str, sentence: str, button: str) -> Look:
    """The page that asks before something is done to a token."""

    async def ask(visit: Visit) -> Response:
        signed = await visit.as_admin()
        token = await _token(visit, signed)
        question = Question(title.format(token.name), sentence, button)
        return await confirm_page(visit, signed, question, section="api", back=_path(signed))

    return ask


ask_regenerate = _asks(
    "Regenerate “{}”?",
    "It gets another token with the same limits, which is yours. This one ends within 5 s.",
    "Regenerate",
)
ask_revoke = _asks(
    "Revoke “{}”?",
    "Whatever uses it is refused within 5 seconds, everywhere. This cannot be undone.",
    "Revoke",
)


async def revoke(visit: Visit, form: Form) -> Response:
    signed = await visit.as_admin()
    await tokens.delete(visit.call(signed, "delete-token", form.once), visit.id("token", "Token"))
    return to(_path(signed))


async def _index(
    visit: Visit, signed: Signed, form: Form, *, fresh: TokenCreated | None = None, status: int = 200
) -> Response:
    query = PageQuery(page=page_of(visit), per_page=PER_PAGE)
    found = await tokens.page(visit.call(signed, "list-tokens"), query)
    now = await zones.now(visit)
    return await team_page(
        visit,
        signed,
        "tokens/index.html",
        status,
        section="api",
        found=found,
        owners=await users.addresses(visit.having.redis, (one.user_id for one in found.data if one.user_id)),
        form=form,
        fresh=fresh,
        blocks=clients.blocks(fresh.token, api=visit.address, mcp=clients.gateway_of(visit)) if fresh else [],
        token=fresh,
        scopes=token_forms.SCOPES,
        expiries=token_forms.expiries(now),
        intervals=token_forms.intervals(form.get("min_interval_seconds")),
    )


async def _one(visit: Visit, signed: Signed, token: Token, form: Form, status: int = 200) -> Response:
    return await team_page(
        visit,
        signed,
        "tokens/one.html",
        status,
        section="api",
        token=token,
        owners=await users.addresses(visit.having.redis, [token.user_id] if token.user_id else []),
        form=form,
        scopes=token_forms.SCOPES,
        expiries=token_forms.expiries(await zones.now(visit), token),
        intervals=token_forms.intervals(form.get("min_interval_seconds")),
    )


async def _known(visit: Visit, signed: Signed) -> tuple[Token, str]:
    """The token that the address names, and its version."""
    return await tokens.get_with_version(visit.call(signed, "get-token"), visit.id("token", "Token"))


async def _token(visit: Visit, signed: Signed) -> Token:
    return await tokens.get(visit.call(signed, "get-token"), visit.id("token", "Token"))


def _renamed(errors: dict[str, str]) -> dict[str, str]:
    """By the fields of the form, which has scopes and the end as choices."""
    names = {"scopes": "scope", "expires_at": "expires"}
    return {names.get(name, name): sentence for name, sentence in errors.items()}


def _path(signed: Signed) -> str:
    assert signed.team
    return PATH.format(team=signed.team.id)


routes = [
    page(PATH, index, create),
    page(ONE, show, update),
    page(f"{ONE}/first-call", first_call),
    page(f"{ONE}/regenerate", ask_regenerate, regenerate),
    page(f"{ONE}/revoke", ask_revoke, revoke),
]
