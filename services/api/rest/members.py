"""Members of the team, and what each may do."""

from shared.actions.accounts import members
from shared.operations import Call, Operation
from shared.schemas.accounts.members import Member, MemberQuery, MemberUpdate
from shared.schemas.base import Deleted, Page

PATH = "/api/members"
ONE = f"{PATH}/{{member_id}}"


async def index(call: Call, query: MemberQuery) -> Page[Member]:
    return await members.page(call.redis, call.team, query)


async def show(call: Call, member_id: int) -> Member:
    return await members.get(call.redis, call.team, member_id)


async def update(call: Call, member_id: int, changes: MemberUpdate) -> Member:
    return await members.update(call, member_id, changes)


async def remove(call: Call, member_id: int) -> Deleted:
    await members.remove(call, member_id)
    return Deleted(id=member_id)


OPERATIONS = (
    Operation(
        "list-members",
        "GET",
        PATH,
        "read",
        index,
        {200: Page[Member]},
        query=MemberQuery,
        summary="List members, newest first",
    ),
    Operation("get-member", "GET", ONE, "read", show, {200: Member}, summary="Get a member"),
    Operation(
        "update-member",
        "PATCH",
        ONE,
        "admin",
        update,
        {200: Member},
        takes=MemberUpdate,
        is_of_people=True,
        summary="Set what a member may do",
        example={"role": "admin"},
    ),
    Operation(
        "remove-member",
        "DELETE",
        ONE,
        "admin",
        remove,
        {200: Deleted},
        is_of_people=True,
        summary="Take a member out of the team",
    ),
)
