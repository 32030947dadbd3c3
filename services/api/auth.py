"""Whose request is this, and may it?"""

from starlette.requests import Request

from shared.security.tokens import Caller


async def caller_of(request: Request, scope: str) -> Caller:
    """Whose token it is; raises Unauthenticated, TooManyGuesses or, without the scope, Forbidden."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else None
    address = request.client.host if request.client else ""
    caller: Caller = await request.state.callers.caller_of(given, address)
    request.scope["recuro.team"] = caller.team.id
    caller.may(scope)
    return caller
