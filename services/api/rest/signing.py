"""The secret that signs a team's requests."""

from shared.actions import signatures
from shared.operations import Call, Operation
from shared.schemas.teams import Signing, SigningDeleted, SigningSecret, SigningSecretCreate

PATH = "/api/settings/signing"


async def rotate(call: Call, wanted: SigningSecretCreate) -> SigningSecret:
    """Make a secret, the first or the next."""
    return await signatures.rotate(call, wanted.keep_hours)


async def show(call: Call) -> Signing:
    return await signatures.state(call)


async def delete(call: Call) -> SigningDeleted:
    await signatures.remove(call)
    return SigningDeleted()


OPERATIONS = (
    Operation(
        "get-signing",
        "GET",
        PATH,
        "read",
        show,
        {200: Signing},
        has_version=True,
        summary="Get whether requests are signed",
    ),
    Operation(
        "rotate-signing",
        "POST",
        PATH,
        "admin",
        rotate,
        {201: SigningSecret},
        takes=SigningSecretCreate,
        empty=SigningSecretCreate(),
        summary="Make a signing secret, and keep the one before for a while",
        example={"keep_hours": 24},
    ),
    Operation(
        "delete-signing",
        "DELETE",
        PATH,
        "admin",
        delete,
        {200: SigningDeleted},
        has_version=True,
        summary="Stop signing requests",
    ),
)
