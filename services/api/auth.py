"""Whose request is this, and may it?"""

from starlette.requests import Request

from shared.keyspace import Team


async def team_of(request: Request, scope: str) -> Team:
    """The team of the token; raises Unauthenticated, TooManyGuesses or, without the scope, Forbidden."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else None
    address = request.client.host if request.client else ""
    caller = await request.state.callers.caller_of(given, address)
    request.scope["recuro.team"] = caller.team.id
    caller.may(scope)
    request.state.caller = caller
    team: Team = caller.team
    return team
