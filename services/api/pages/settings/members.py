"""Settings, Members: who is in the team and as what, and who is invited; only admins change anything."""

from starlette.responses import Response

from services.api.pages.endpoint import IN_PLACE, page, to
from services.api.pages.forms import Form, errors_of, parsed
from services.api.pages.lists import PER_PAGE, page_of, search_of
from services.api.pages.shell import Question, confirm_page, team_page
from services.api.pages.visits import Visit
from shared.actions.accounts import invitations, members
from shared.schemas.accounts.invitations import InvitationCreate, InvitationQuery, InvitationWithCode
from shared.schemas.accounts.members import Member, MemberQuery, MemberUpdate
from shared.security.sessions import Signed

PATH = "/t/{team}/settings/members"
ONE = f"{PATH}/{{member}}"
INVITATIONS = f"{PATH}/invitations"
_LEAVING = (
    "The team is closed to you within 5 seconds, and so it is to the tokens you made. "
    "You come back by another invitation alone."
)
_REMOVING = "The team is closed to them within 5 seconds, and so is it to the tokens they made."


async def index(visit: Visit) -> Response:
    return await _index(visit, await visit.in_team(), Form({"role": "member"}))


async def invite(visit: Visit, form: Form) -> Response:
    """Make an invitation and show its link, this once; the same form sent again shows the same one."""
    signed = await visit.as_admin()
    try:
        wanted = parsed(InvitationCreate, {"email": form.get("email"), "role": form.get("role")})
        call = visit.call(signed, "create-invitation", form.once, wanted.model_dump_json())
        made = await invitations.create(call, wanted)
    except IN_PLACE as error:
        return await _index(visit, signed, form.wrong(errors_of(error)), status=422)
    return await _index(visit, signed, Form({"role": "member"}), fresh=made, status=201)


async def cancel(visit: Visit, form: Form) -> Response:
    signed = await visit.as_admin()
    call = visit.call(signed, "cancel-invitation", form.once)
    await invitations.cancel(call, visit.id("invitation", "Invitation"))
    return to(_path(signed))


async def set_role(visit: Visit, form: Form) -> Response:
    signed = await visit.as_admin()
    try:
        changes = parsed(MemberUpdate, {"role": form.get("role")})
        call = visit.call(signed, "update-member", form.once, changes.role.value)
        await members.update(call, visit.id("member", "Member"), changes)
    except IN_PLACE as error:
        return await _index(visit, signed, Form({"role": "member"}, {"": str(error)}), status=409)
    return to(_path(signed))


async def ask_remove(visit: Visit) -> Response:
    signed = await visit.in_team()
    member = await _removable(visit, signed)
    is_self = member.id == signed.user
    question = Question(
        "Leave the team?" if is_self else f"Remove {member.email}?",
        _LEAVING if is_self else _REMOVING,
        "Leave" if is_self else "Remove",
    )
    return await confirm_page(visit, signed, question, section="members", back=_path(signed))


async def remove(visit: Visit, form: Form) -> Response:
    signed, member = await visit.signed(), visit.id("member", "Member")
    if not await visit.was_done(signed, "remove-member", form.once):
        signed = await visit.in_team()
        await _removable(visit, signed)
        await members.remove(visit.call(signed, "remove-member", form.once), member)
    if member != signed.user:
        return to(PATH.format(team=visit.id("team", "Team")))
    visit.having.sessions.forget(signed.session)
    return to("/")


async def _removable(visit: Visit, signed: Signed) -> Member:
    """The member that the address names: admins may remove all, everybody may leave."""
    wanted = visit.id("member", "Member")
    if wanted != signed.user:
        await visit.as_admin()
    assert signed.team
    return await members.get(visit.having.redis, signed.team, wanted)


async def _index(
    visit: Visit, signed: Signed, form: Form, *, fresh: InvitationWithCode | None = None, status: int = 200
) -> Response:
    redis, team = visit.having.redis, signed.team
    assert team
    search = search_of(visit)
    query = MemberQuery(page=page_of(visit), per_page=PER_PAGE, search=search or None)
    found = await members.page(redis, team, query)
    invited = None
    if signed.role == "admin":
        invited = await invitations.page(
            redis, team, InvitationQuery(page=page_of(visit, "invited"), per_page=PER_PAGE)
        )
    return await team_page(
        visit,
        signed,
        "members/index.html",
        status,
        section="members",
        found=found,
        search=search,
        invited=invited,
        form=form,
        fresh=fresh,
        link=f"{visit.address}{invitations.JOIN}/{fresh.code}" if fresh else "",
    )


def _path(signed: Signed) -> str:
    assert signed.team
    return PATH.format(team=signed.team.id)


routes = [
    page(PATH, index, invite),
    page(f"{INVITATIONS}/{{invitation}}/cancel", send=cancel),
    page(f"{ONE}/role", send=set_role),
    page(f"{ONE}/remove", ask_remove, remove),
]
