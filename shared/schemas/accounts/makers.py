"""Who or what made a cron, a queue or a job."""

from typing import Annotated

from pydantic import Field

from shared.schemas.base import Schema


class Maker(Schema):
    """As the audit trail names who writes."""

    kind: Annotated[
        str,
        Field(description="user, token, mcp (a program that calls tools by a token), or replay"),
    ]
    id: Annotated[int | None, Field(description="Of the user, the token or the replay")]
    name: Annotated[
        str | None,
        Field(
            description="What it is called now: the user's address, the token's name; of mcp the program's. "
            "Null of a replay, and of what is gone"
        ),
    ]


CreatedBy = Annotated[
    Maker | None,
    Field(description="Who or what made it; null if that was before it was kept"),
]
