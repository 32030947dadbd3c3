"""The team of the caller itself."""

from shared.actions.accounts import teams
from shared.operations import Call, Operation
from shared.schemas.accounts.teams import Team, TeamDeleted, TeamHandOver, TeamUpdate

PATH = "/api/team"


async def show(call: Call) -> Team:
    return await teams.get(call)


async def update(call: Call, changes: TeamUpdate) -> Team:
    return await teams.rename(call, changes)


async def hand_over(call: Call, wanted: TeamHandOver) -> Team:
    return await teams.hand_over(call, wanted.member_id)


async def delete(call: Call) -> TeamDeleted:
    await teams.delete(call)
    return TeamDeleted()


OPERATIONS = (
    Operation("get-team", "GET", PATH, "read", show, {200: Team}, summary="Get the team"),
    Operation(
        "update-team",
        "PATCH",
        PATH,
        "admin",
        update,
        {200: Team},
        takes=TeamUpdate,
        is_of_people=True,
        summary="Rename the team",
        example={"name": "Billing"},
    ),
    Operation(
        "delete-team",
        "DELETE",
        PATH,
        "admin",
        delete,
        {200: TeamDeleted},
        is_of_people=True,
        summary="Delete the team with everything that belongs to it; only its owner may",
    ),
    Operation(
        "hand-over-team",
        "POST",
        f"{PATH}/hand-over",
        "admin",
        hand_over,
        {200: Team},
        takes=TeamHandOver,
        is_of_people=True,
        summary="Make another member the owner; only the owner may",
        example={"member_id": 2},
        look=PATH,
    ),
)
