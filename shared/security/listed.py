"""A token as the operator sees it: whose it is, and what it may do, without itself."""

from dataclasses import dataclass

from redis.asyncio import Redis

from shared.errors import Damaged
from shared.schemas.accounts.tokens import TokenLimits
from shared.security.caller import ID_DIGITS, limits_of
from shared.store import account_keys

BOOTSTRAP = "bootstrap"
BOOTSTRAP_TEAM = "default"


@dataclass(frozen=True, slots=True)
class Listed:
    """A token as the operator sees it; `created_ms` is 0 if it is not known."""

    digest: str
    team: str
    name: str
    scopes: tuple[str, ...]
    created_ms: int
    team_id: int | None = None
    user: str = ""
    """The address of the user whose it is; empty of one that an operator made."""
    limits: TokenLimits | None = None
    """Nothing if they cannot be read."""

    @property
    def id(self) -> str:
        """The first digits of the digest: enough to name the token."""
        return self.digest[:ID_DIGITS]

    @property
    def is_bootstrap(self) -> bool:
        """Whether it has the bootstrap token's name."""
        return (self.team, self.name, self.scopes) == (BOOTSTRAP_TEAM, BOOTSTRAP, ("admin",))


async def listed_as(redis: Redis, digest: str, fields: dict[str, str]) -> Listed:
    """How the token with these stored fields is listed."""
    team, created = fields.get("team", ""), fields.get("created", "")
    return Listed(
        digest=digest,
        team=await redis.hget(account_keys.team(team), "name") or team,  # type: ignore[misc]
        name=fields.get("name", ""),
        scopes=tuple(fields.get("scopes", "").split(",")),
        created_ms=int(created) if created.isdecimal() else 0,
        team_id=int(team) if team.isdecimal() else None,
        user=await _address_of(redis, fields.get("user", "")),
        limits=_readable_limits(fields),
    )


async def _address_of(redis: Redis, user: str) -> str:
    if not user:
        return ""
    return await redis.hget(account_keys.user(user), "email_given") or f"user {user}"  # type: ignore[misc]


def _readable_limits(fields: dict[str, str]) -> TokenLimits | None:
    try:
        return limits_of(fields)
    except Damaged:
        return None
