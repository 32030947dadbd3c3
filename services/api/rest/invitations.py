"""Invitations into the team."""

from shared.actions.accounts import invitations
from shared.operations import Call, Operation
from shared.schemas.accounts.invitations import (
    Invitation,
    InvitationCreate,
    InvitationQuery,
    InvitationWithCode,
)
from shared.schemas.base import Deleted, Page

PATH = "/api/invitations"
ONE = f"{PATH}/{{invitation_id}}"


async def index(call: Call, query: InvitationQuery) -> Page[Invitation]:
    return await invitations.page(call.redis, call.team, query)


async def create(call: Call, invitation: InvitationCreate) -> InvitationWithCode:
    return await invitations.create(call, invitation)


async def show(call: Call, invitation_id: int) -> Invitation:
    return await invitations.get(call.redis, call.team, invitation_id)


async def cancel(call: Call, invitation_id: int) -> Deleted:
    await invitations.cancel(call, invitation_id)
    return Deleted(id=invitation_id)


OPERATIONS = (
    Operation(
        "list-invitations",
        "GET",
        PATH,
        "admin",
        index,
        {200: Page[Invitation]},
        query=InvitationQuery,
        summary="List open invitations, newest first",
    ),
    Operation(
        "create-invitation",
        "POST",
        PATH,
        "admin",
        create,
        {201: InvitationWithCode},
        takes=InvitationCreate,
        is_of_people=True,
        summary="Invite somebody by a link, whose code is shown once",
        example={"email": "ada@example.com", "role": "member"},
    ),
    Operation(
        "get-invitation", "GET", ONE, "admin", show, {200: Invitation}, summary="Get an open invitation"
    ),
    Operation(
        "cancel-invitation",
        "DELETE",
        ONE,
        "admin",
        cancel,
        {200: Deleted},
        is_of_people=True,
        summary="Cancel an invitation",
    ),
)
