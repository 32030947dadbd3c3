"""Who calls: the team, the scopes and the limits of a token, as it is kept under its digest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError
from redis.asyncio import Redis

from shared.errors import Damaged, Ended, Forbidden, Unauthenticated
from shared.schemas.accounts.tokens import SCOPES, TokenLimits
from shared.schemas.base import STORED
from shared.security import limits
from shared.security.limits import Limits
from shared.store import account_keys, keyspace, moments
from shared.store.keyspace import Team

SCOPES_OF = {"admin": "admin", "member": "write"}
"""What each role in a team may do."""
ID_DIGITS = 12
"""Of a digest: enough to name a token."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The team that calls, and what its token may do."""

    team: Team
    scopes: frozenset[str]
    token: str = ""
    """The id of the token."""
    name: str = ""
    """What the token is called."""
    id: int = 0
    """Its id in the team; 0 of one from an earlier version."""
    limits: Limits | None = None
    """What it may do less than its scopes say."""
    user: int | None = None
    """Whose it is; of nobody is what an operator made, who may do what the owner may."""
    digest: str = field(default="", repr=False)
    session: str | None = field(default=None, repr=False)
    """The digest of the session that calls; a token has none."""

    def has(self, scope: str) -> bool:
        return bool(self.scopes & set(SCOPES[SCOPES.index(scope) :]))

    def may(self, scope: str) -> None:
        """Raise Forbidden unless the scope is covered: `write` includes `read`, `admin` includes both."""
        if not self.has(scope):
            raise Forbidden(f"The token lacks the {scope} scope")


async def look_up(redis: Redis, digest: str) -> Caller:
    """The caller of the token with that digest; raises Unauthenticated or Damaged."""
    fields: dict[str, str] = await redis.hgetall(account_keys.token(digest))  # type: ignore[misc]
    if not fields:
        raise Unauthenticated("Invalid authorization token")
    team_id = fields.get("team", "")
    scopes: Sequence[str] = fields.get("scopes", "").split(",")
    if not team_id.isdecimal() or not set(scopes) & set(SCOPES):
        raise Damaged("it names no team and scope", "The record of this token")
    given = limits_of(fields)
    if given.expires_at and given.expires_at <= await moments.now(redis, keyspace.SHARDS[0]):
        raise Ended("The token has expired")
    shard, deleted = await redis.hmget(account_keys.team(team_id), ["shard", "deleted"])  # type: ignore[misc]
    if deleted:
        raise Unauthenticated("Invalid authorization token")
    user = fields.get("user")
    if user:
        role = await redis.hget(account_keys.member(team_id, user), "role")  # type: ignore[misc]
        if role not in SCOPES_OF:
            raise Ended("The token's user is no longer in the team")
        scopes = _within(scopes, SCOPES_OF[role])
    team, its_id = (
        Team(int(team_id), shard if shard in keyspace.SHARDS else keyspace.SHARDS[0]),
        fields.get("id", ""),
    )
    return Caller(
        team,
        frozenset(scopes),
        digest[:ID_DIGITS],
        fields.get("name", ""),
        id=int(its_id) if its_id.isdecimal() else 0,
        limits=limits.of(given),
        user=int(user) if user else None,
        digest=digest,
    )


def _within(scopes: Sequence[str], most: str) -> Sequence[str]:
    """No more than the user's role has by now."""
    allowed = SCOPES[: SCOPES.index(most) + 1]
    return [scope if scope in allowed else most for scope in scopes if scope in SCOPES]


def limits_of(fields: Mapping[str, str]) -> TokenLimits:
    """The limits of a stored token; raises Damaged for what cannot be read, which is never no limit."""
    text = fields.get("limits")
    if not text:
        return TokenLimits()
    try:
        return TokenLimits.model_validate_json(text, context=STORED)
    except ValidationError as error:
        raise Damaged("its limits cannot be read", "The record of this token") from error
