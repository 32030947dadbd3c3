"""Whose request is this?"""

from starlette.requests import Request

from services.api.requests import header_of
from shared.security.caller import Caller


async def caller_of(request: Request) -> Caller:
    """Whose token it is; raises Unauthenticated or TooManyGuesses."""
    scheme, _, token = (header_of(request, b"authorization") or "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else None
    address = request.client.host if request.client else ""
    caller: Caller = await request.state.callers.caller_of(given, address)
    request.scope["recuro.team"] = caller.team.id
    return caller
