"""A team itself: its name and its owner."""

from typing import Annotated

from pydantic import AfterValidator, Field

from shared.schemas.base import Id, Instant, Schema


def _trimmed(value: str) -> str:
    stripped = value.strip()
    if not stripped:
        raise ValueError("must not be blank")
    return stripped


TeamName = Annotated[
    str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$"), AfterValidator(_trimmed)
]


class TeamUpdate(Schema):
    name: Annotated[TeamName, Field(description="Unique in the installation")]


class TeamHandOver(Schema):
    member_id: Annotated[Id, Field(description="The member who is the owner from then on")]


class Team(Schema):
    """The owner of all crons, queues and jobs, and of its members' common settings."""

    id: int
    name: str
    owner_id: Annotated[int | None, Field(description="The member who owns it; null if it has no members")]
    created_at: Annotated[Instant | None, Field(description="null if it was made before that was kept")]


class TeamDeleted(Schema):
    deleted: bool = True
