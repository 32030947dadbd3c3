"""Members of a team, and what each may do."""

from typing import Annotated

from pydantic import Field

from shared.schemas.accounts.users import Role
from shared.schemas.base import Instant, PageQuery, Schema


class MemberQuery(PageQuery):
    search: Annotated[str | None, Field(max_length=200, description="Part of the address or name")] = None


class MemberUpdate(Schema):
    role: Annotated[Role, Field(description="The owner is an admin always")]


class Member(Schema):
    """A user in this team."""

    id: int
    email: str
    name: str
    role: Role
    is_owner: bool
    joined_at: Instant
