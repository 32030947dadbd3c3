"""Users who sign in, and time that goes by for them."""

from dataclasses import replace

from redis.asyncio import Redis

from shared.actions.accounts import sign_in, users
from shared.actions.accounts.sign_in import SignedIn
from shared.actions.accounts.visits import Accounts, Visitor
from shared.schemas.accounts.users import Role
from shared.security.sessions import Sessions, Signed
from shared.store import keyspace

PASSWORD = "seven otters knit"
ADA, GRACE = "Ada@example.com", "grace@example.com"


async def make(having: Accounts, email: str = ADA, team: str | None = "one", role: Role = Role.MEMBER) -> int:
    """A user with the password."""
    stored = await having.passwords.hashed(PASSWORD)
    return await users.create(having.redis, email=email, name="Ada", password=stored, team=team, role=role)


async def enter(having: Accounts, visitor: Visitor, email: str = ADA, password: str = PASSWORD) -> SignedIn:
    """Sign in where no second factor is asked for."""
    found = await sign_in.with_password(having, visitor, email, password)
    assert isinstance(found, SignedIn)
    return found


async def signed(having: Accounts, session: str) -> Signed:
    """Who that is by Redis, and not by what this process remembers for 5 s."""
    return await Sessions(having.redis, having.settings).signed(session)


def in_browser(visitor: Visitor, session: str) -> Visitor:
    return replace(visitor, session=session)


async def later(redis: Redis, milliseconds: int) -> None:
    """Let so much time go by for the installation, all in all."""
    await redis.set(keyspace.correction(keyspace.SHARDS[0]), milliseconds)
