"""Whose request is this, and may it?"""

from starlette.requests import Request

from shared.keyspace import Team


async def team_of(request: Request, scope: str) -> Team:
    """The team of the bearer token; raises Unauthenticated, or Forbidden if the token lacks the scope."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else None
    caller = await request.state.callers.caller_of(given)
    request.scope["recuro.team"] = caller.team.id
    caller.may(scope)
    request.state.caller = caller
    team: Team = caller.team
    return team
