"""Invitations into a team by a link."""

from typing import Annotated

from pydantic import Field

from shared.schemas.accounts.users import Email, Role
from shared.schemas.base import Instant, PageQuery, Schema


class InvitationQuery(PageQuery):
    search: Annotated[str | None, Field(max_length=200, description="Part of the address")] = None


class InvitationCreate(Schema):
    email: Annotated[Email, Field(description="Only a user of this address can accept it")]
    role: Annotated[Role, Field(description="What they are once they accept it")] = Role.MEMBER


class Invitation(Schema):
    """An address that may join within 7 days; inviting it again ends the invitation before."""

    id: int
    email: str
    role: Role
    invited_by: str
    created_at: Instant
    expires_at: Instant


class InvitationWithCode(Invitation):
    """A new one, with the code of its link, which is shown once."""

    code: str
    link: Annotated[
        str | None, Field(description="The page that takes it; null where RECURO_PUBLIC_URL is not set")
    ]
