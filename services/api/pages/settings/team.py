"""Settings, Team: its name, who owns it, and its end."""

from starlette.responses import Response

from services.api.pages.endpoint import IN_PLACE, page, to
from services.api.pages.forms import Form, errors_of, parsed
from services.api.pages.lists import PER_PAGE, page_of, search_of
from services.api.pages.shell import Question, confirm_page, team_page
from services.api.pages.visits import Visit
from shared.actions.accounts import members, teams
from shared.errors import Conflict, Invalid, NotFound, Stale
from shared.operations import Versions
from shared.schemas.accounts.members import MemberQuery
from shared.schemas.accounts.teams import Team, TeamUpdate
from shared.security.sessions import Signed

PATH = "/t/{team}/settings/team"
HAND_OVER = f"{PATH}/hand-over"
HEIR = f"{HAND_OVER}/{{member}}"
DELETE = f"{PATH}/delete"
WAS = "was"
"""The field with the name that the page showed: a rename is of that one alone."""


async def show(visit: Visit) -> Response:
    signed = await visit.in_team()
    team = await teams.get(visit.call(signed, "get-team"))
    return await _shown(visit, signed, team, Form({"name": team.name, WAS: team.name}))


async def rename(visit: Visit, form: Form) -> Response:
    signed = await visit.as_admin()
    try:
        wanted = parsed(TeamUpdate, {"name": form.get("name")})
        seen = Versions(frozenset((form.get(WAS),)))
        await teams.rename(visit.call(signed, "update-team", versions=seen), wanted)
    except Stale:
        team = await teams.get(visit.call(signed, "get-team"))
        again = Form({**form.fields, WAS: team.name}, {"": _RENAMED.format(team.name)})
        return await _shown(visit, signed, team, again, 409)
    except IN_PLACE as error:
        team = await teams.get(visit.call(signed, "get-team"))
        return await _shown(visit, signed, team, form.wrong(errors_of(error)), 422)
    return to(_path(signed))


async def ask_whom(visit: Visit) -> Response:
    """Who may own it next: any member, found by a part of the address or name."""
    signed, team = await _owned(visit)
    search = search_of(visit)
    assert signed.team
    found = await members.page(
        visit.having.redis,
        signed.team,
        MemberQuery(page=page_of(visit), per_page=PER_PAGE, search=search or None),
    )
    return await team_page(
        visit,
        signed,
        "team/hand_over.html",
        section="team",
        group=team,
        found=found,
        search=search,
    )


async def ask_hand_over(visit: Visit) -> Response:
    signed, team = await _owned(visit)
    assert signed.team
    heir = await members.get(visit.having.redis, signed.team, visit.id("member", "Member"))
    if heir.id == team.owner_id:
        return to(_path(signed))
    question = Question(
        f"Hand {team.name} over to {heir.name or heir.email}?",
        f"{heir.email} is an admin and its owner from then on: nobody else can delete the team or hand it "
        "over, and you cannot take it back. You stay an admin.",
        "Hand over",
    )
    return await confirm_page(visit, signed, question, section="team", back=_path(signed))


async def hand_over(visit: Visit, form: Form) -> Response:
    signed = await visit.in_team()
    try:
        await teams.hand_over(visit.call(signed, "hand-over-team", form.once), visit.id("member", "Member"))
    except Invalid:
        raise Conflict("Whoever you chose is no member of the team any more; choose somebody else") from None
    return to(_path(signed))


async def ask_delete(visit: Visit) -> Response:
    signed, team = await _owned(visit)
    return await _deleting(visit, signed, team, Form())


async def delete(visit: Visit, form: Form) -> Response:
    """Only once its name was typed, so that it is the team that is meant, also if it was renamed just now."""
    signed, typed = await visit.signed(), form.get("name").strip()
    if not await visit.was_done(signed, "delete-team", form.once, typed):
        signed, _ = await _owned(visit)
        wanted = Versions(frozenset((typed,)))
        try:
            await teams.delete(visit.call(signed, "delete-team", form.once, typed, versions=wanted))
        except Stale:
            _, team = await _owned(visit)
            sentence = f"The name field must be {team.name}, the name of the team."
            return await _deleting(visit, signed, team, form.wrong({"name": sentence}), 422)
    visit.having.sessions.forget(signed.session)
    return to("/")


async def _owned(visit: Visit) -> tuple[Signed, Team]:
    """The team of its owner; raises Forbidden for others."""
    signed = await visit.in_team()
    call = visit.call(signed, "get-team")
    team = await teams.get(call)
    teams.check_owner(call, team.owner_id)
    return signed, team


async def _shown(visit: Visit, signed: Signed, team: Team, form: Form, status: int = 200) -> Response:
    assert signed.team
    owner = None
    if team.owner_id is not None:
        try:
            owner = await members.get(visit.having.redis, signed.team, team.owner_id)
        except NotFound:
            owner = None
    return await team_page(
        visit,
        signed,
        "team/index.html",
        status,
        section="team",
        group=team,
        owner=owner,
        owns=team.owner_id == signed.user,
        form=form,
    )


async def _deleting(visit: Visit, signed: Signed, team: Team, form: Form, status: int = 200) -> Response:
    return await team_page(
        visit,
        signed,
        "team/delete.html",
        status,
        section="team",
        group=team,
        form=form,
        days=visit.having.settings.audit_retention_days,
    )


def _path(signed: Signed) -> str:
    assert signed.team
    return PATH.format(team=signed.team.id)


_RENAMED = (
    "Somebody renamed the team since you opened this page: it is called {} now. Save again to rename that."
)

routes = [
    page(PATH, show, rename),
    page(HAND_OVER, ask_whom),
    page(HEIR, ask_hand_over, hand_over),
    page(DELETE, ask_delete, delete),
]
