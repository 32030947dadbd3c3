"""The secret that signs a team's requests."""

from shared.actions import signatures
from shared.operations import Call, Operation
from shared.schemas.teams import (
    SignatureCheck,
    SignatureQuery,
    Signing,
    SigningDeleted,
    SigningSecret,
    SigningSecretCreate,
)

PATH = "/api/settings/signing"


async def rotate(call: Call, wanted: SigningSecretCreate) -> SigningSecret:
    """Make a secret, the first or the next."""
    return await signatures.rotate(call, wanted.keep_hours)


async def show(call: Call) -> Signing:
    return await signatures.state(call)


async def delete(call: Call) -> SigningDeleted:
    await signatures.remove(call)
    return SigningDeleted()


async def check(call: Call, query: SignatureQuery) -> SignatureCheck:
    """Nothing is stored of it; a token is required all the same, as the answer is by the team's secrets."""
    return await signatures.check(call, query)


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
    Operation(
        "check-signature",
        "POST",
        f"{PATH}/check",
        "read",
        check,
        {200: SignatureCheck},
        takes=SignatureQuery,
        summary="Explain why the signature of a received request does not match",
        example={"headers": {"webhook-id": "job-1-7", "webhook-timestamp": "1795830038"}, "body": '{"n": 1}'},
    ),
)
