"""The secret that signs a team's requests."""

from shared.actions import signatures
from shared.operations import Call, Operation
from shared.schemas.teams import SigningAsked, SigningOff, SigningSecret, SigningState

PATH = "/api/settings/signing"


async def rotate(call: Call, asked: SigningAsked) -> SigningSecret:
    """Make a secret, the first or the next."""
    return await signatures.rotate(call, asked.keep_hours)


async def show(call: Call) -> SigningState:
    return await signatures.state(call.redis, call.team)


async def delete(call: Call) -> SigningOff:
    await signatures.remove(call)
    return SigningOff()


OPERATIONS = (
    Operation("get-signing", "GET", PATH, "read", show, {200: SigningState}),
    Operation(
        "rotate-signing",
        "POST",
        PATH,
        "admin",
        rotate,
        {201: SigningSecret},
        takes=SigningAsked,
        empty=SigningAsked(),
    ),
    Operation("delete-signing", "DELETE", PATH, "admin", delete, {200: SigningOff}),
)
