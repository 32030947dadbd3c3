"""Users as they are stored, and how an operator makes them."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from redis.asyncio import Redis

from shared import clock
from shared.errors import Conflict, Invalid, NotFound
from shared.schemas.accounts.users import Role, User, key_of
from shared.store import account_keys, keyspace, moments
from shared.store.transitions import accounts
from shared.store.writes import OURS, Write

_PAGE = 500
FIRST_OWNER = "owner@localhost"
"""The address of an owner who has not said another yet."""


@dataclass(frozen=True, slots=True)
class StoredUser:
    """A user with what proves that it is them, which leaves this process by no way."""

    id: int
    version: str
    email: str
    has_proved_email: bool
    """Whether somebody has shown, or an operator said, that the address is theirs."""
    name: str
    password: str
    """Its hash; empty until one was set."""
    totp: str
    """The secret of the second factor, sealed; empty without one."""
    totp_new: str
    """The same, until a code confirms it."""
    recovery: tuple[str, ...]
    """Digests of the recovery codes that are left."""
    recovery_new: str
    """Those of codes that were offered and are not confirmed, with commas between."""
    created_ms: int
    issuer: str = ""
    subject: str = ""
    """Who it is at which provider of single sign-on; empty if it never signed in there."""

    @property
    def is_set_up(self) -> bool:
        """Whether it can sign in again by itself, with the address that it has."""
        return bool(self.password or self.subject)

    def shown(self) -> User:
        return User(
            id=self.id,
            email=self.email,
            name=self.name,
            has_password=bool(self.password),
            has_second_factor=bool(self.totp),
            recovery_codes_left=len(self.recovery),
        )


async def get(redis: Redis, user_id: int) -> StoredUser:
    """Raises NotFound."""
    fields: dict[str, str] = await redis.hgetall(account_keys.user(user_id))  # type: ignore[misc]
    if not fields.get("email"):
        raise NotFound("User")
    return StoredUser(
        id=user_id,
        version=fields.get("version", ""),
        email=fields.get("email_given") or fields["email"],
        has_proved_email=bool(fields.get("email_proved")),
        name=fields.get("name", ""),
        password=fields.get("password", ""),
        totp=fields.get("totp", ""),
        totp_new=fields.get("totp_new", ""),
        recovery=tuple(filter(None, fields.get("recovery", "").split(","))),
        recovery_new=fields.get("recovery_new", ""),
        created_ms=int(fields.get("created") or 0),
        issuer=fields.get("issuer", ""),
        subject=fields.get("subject", ""),
    )


async def find(redis: Redis, email: str) -> StoredUser | None:
    """The user of that e-mail address, however it is capitalised."""
    found = await redis.hget(account_keys.emails(), key_of(email))  # type: ignore[misc]
    if found is None:
        return None
    try:
        return await get(redis, int(found))
    except NotFound:
        return None


async def addresses(redis: Redis, ids: Iterable[int]) -> dict[int, str]:
    """Their e-mail addresses, of those that there are."""
    wanted = sorted(set(ids))
    async with redis.pipeline(transaction=False) as pipe:
        for each in wanted:
            pipe.hget(account_keys.user(each), "email_given")
        found = await pipe.execute()
    return {each: address for each, address in zip(wanted, found, strict=True) if address}


async def create(  # noqa: PLR0913 - what an operator says of a user has names
    redis: Redis,
    *,
    email: str,
    name: str = "",
    password: str | None = None,
    team: str | None = None,
    role: Role = Role.MEMBER,
    write: Write = OURS,
) -> int:
    """Make a user for an operator; `password` is its hash. The first user of a team owns it, a new one too.

    The address counts as proved. The line of the `write` is in the team's trail: who is in none has none.
    Raises Invalid if a user has the address.
    """
    known = await redis.hget(account_keys.teams(), team) if team else None  # type: ignore[misc]
    now_ms = clock.milliseconds(await moments.now(redis, keyspace.SHARDS[0]))
    made = await accounts.create_user(
        redis,
        email=key_of(email),
        email_given=email.strip(),
        proved=key_of(email) != FIRST_OWNER,
        name=name,
        password=password,
        team=int(known) if known else None,
        role=role.value,
        now_ms=now_ms,
        write=write if known else OURS,
    )
    if made == "taken":
        raise Invalid("email", "The email field must be unique: a user has that address already.")
    if made == "gone":
        raise Conflict("The team was deleted at the same moment.")
    if team and not known:
        shard = keyspace.SHARDS[0]
        await accounts.create_team(redis, name=team, user=made, shard=shard, now_ms=now_ms, write=write)
    return made


async def owner_of(redis: Redis, team: str, email: str) -> int:
    """The owner of the team of that name, which is made if it is new, as its owner is, with that address.

    For a first start: raises Invalid if the address is of somebody who owns nothing of it.
    """
    known = await redis.hget(account_keys.teams(), team)  # type: ignore[misc]
    owner = await redis.hget(account_keys.team(known), "owner") if known else None  # type: ignore[misc]
    return int(owner) if owner else await create(redis, email=email, team=team)


async def listed(redis: Redis) -> AsyncIterator[StoredUser]:
    """Every user of the installation, in no order."""
    async for _, found in redis.hscan_iter(account_keys.emails(), count=_PAGE):
        try:
            yield await get(redis, int(found))
        except NotFound:
            continue
