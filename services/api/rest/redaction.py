"""What is not kept of a team's requests and their answers."""

from shared.actions.redaction import of_team
from shared.operations import Call, Operation
from shared.schemas.teams import Redaction

PATH = "/api/settings/redaction"


async def show(call: Call) -> Redaction:
    return await of_team.show(call)


async def put(call: Call, wanted: Redaction) -> Redaction:
    return await of_team.put(call, wanted)


OPERATIONS = (
    Operation(
        "get-redaction",
        "GET",
        PATH,
        "read",
        show,
        {200: Redaction},
        has_version=True,
        summary="Get the fields that are not kept",
    ),
    Operation(
        "set-redaction",
        "PUT",
        PATH,
        "admin",
        put,
        {200: Redaction},
        takes=Redaction,
        has_version=True,
        summary="Set the fields that are not kept",
        example={"redact": ["headers.X-Session", "body.card.number", "body.**.password"]},
    ),
)
