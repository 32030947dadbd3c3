"""How somebody accepts an invitation by its link, or makes a team of their own."""

from datetime import datetime
from typing import NamedTuple

from shared import clock
from shared.actions import audit
from shared.actions.accounts import sign_in, teams, users
from shared.actions.accounts.sign_in import SignedIn
from shared.actions.accounts.visits import Accounts, Visitor
from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.schemas.accounts.users import key_of
from shared.security import passwords
from shared.security.sessions import Signed
from shared.security.tokens import digest_of
from shared.store import account_keys, connection, keyspace
from shared.store.transitions import accounts

OWNER = "owner"


class Invited(NamedTuple):
    """What the page of an invitation shows."""

    team: int
    team_name: str
    email: str
    role: str
    """`owner` in a team that has none, whatever they were invited as."""
    invited_as: str
    invited_by: str
    expires_at: datetime
    has_user: bool
    """Whether the address has a user, who has to sign in first."""


class _Joiner(NamedTuple):
    """Who accepts it: a user, or somebody new with a name and the hash of a password."""

    actor: str
    user: int | None = None
    name: str | None = None
    password: str | None = None
    signed: Signed | None = None
    """The session of a user who is signed in."""


async def look(having: Accounts, visitor: Visitor, code: str) -> Invited:
    """Raises NotFound if it was accepted or cancelled, or is too old; the invitation stays as it is."""
    having.brakes.take_link(visitor.address, code)
    redis = having.redis
    link: dict[str, str] = await redis.hgetall(account_keys.link(digest_of(code)))  # type: ignore[misc]
    if link.get("purpose") != "invitation":
        raise NotFound("Invitation")
    team = link["team"]
    its: dict[str, str] = await redis.hgetall(account_keys.invitation(team, link["invitation"]))  # type: ignore[misc]
    fields = ["name", "deleted", "owner"]
    name, deleted, owner = await redis.hmget(account_keys.team(team), fields)  # type: ignore[misc]
    if not its or deleted or await having.now_ms() >= int(its["expires"]):
        raise NotFound("Invitation")
    return Invited(
        team=int(team),
        team_name=name or "",
        email=its["email_given"],
        role=its["role"] if owner else OWNER,
        invited_as=its["role"],
        invited_by=its["by"],
        expires_at=clock.moment(its["expires"]),
        has_user=await users.find(redis, its["email"]) is not None,
    )


async def join(having: Accounts, visitor: Visitor, code: str, *, name: str, password: str) -> SignedIn:
    """Accept an invitation as a new user, who is signed in with that; raises Invalid, Conflict, NotFound."""
    invited = await look(having, visitor, code)
    passwords.check(password, invited.email, name)
    stored = await having.passwords.hashed(password)
    joiner = _Joiner(invited.email, name=name.strip(), password=stored)
    user = await _accept(having, visitor, code, invited, joiner)
    with connection.begun():
        return await sign_in.opened(having, visitor, await users.get(having.redis, user))


async def join_by_provider(
    having: Accounts, visitor: Visitor, code: str, *, email: str, name: str
) -> int | None:
    """The same for somebody without a password whose address the provider has verified; the team.

    None if the invitation is for another address, or somebody has got that meanwhile. Raises NotFound.
    """
    invited = await look(having, visitor, code)
    if key_of(invited.email) != key_of(email) or invited.has_user:
        return None
    try:
        await _accept(having, visitor, code, invited, _Joiner(email, name=name, password=""))
    except Conflict:
        return None
    return invited.team


async def accept(having: Accounts, visitor: Visitor, signed: Signed, code: str) -> None:
    """Accept an invitation as who is signed in; the session acts in that team from now on.

    Raises NotFound, or Forbidden if another address was invited.
    """
    invited = await look(having, visitor, code)
    await _accept(having, visitor, code, invited, _Joiner(signed.email, user=signed.user, signed=signed))
    with connection.begun():
        await accounts.switch_team(having.redis, session=signed.session, team=invited.team)
    having.sessions.forget(signed.session)


async def make_team(having: Accounts, visitor: Visitor, signed: Signed, name: str) -> int:
    """Make a team that the user owns, and act in it from now on; its id. Raises Invalid."""
    teams.check_name(name)
    made = await accounts.create_team(
        having.redis,
        name=name,
        user=signed.user,
        shard=keyspace.SHARDS[0],
        now_ms=await having.now_ms(),
        write=visitor.write("create-team", signed.email, audit.made(name=name), signed=signed),
    )
    if made == "taken":
        raise Invalid("name", "The name field must be unique: another team has it.")
    if made == "gone":
        raise NotFound("User")
    with connection.begun():
        await accounts.switch_team(having.redis, session=signed.session, team=made)
    having.sessions.forget(signed.session)
    return made


async def _accept(having: Accounts, visitor: Visitor, code: str, invited: Invited, joiner: _Joiner) -> int:
    """The user's id; raises NotFound, Conflict or Forbidden."""
    said, of_owner = [audit.made(email=invited.email, role=role) for role in (invited.invited_as, OWNER)]
    done = await accounts.accept_invitation(
        having.redis,
        team=invited.team,
        link=digest_of(code),
        user=joiner.user,
        name=joiner.name,
        password=joiner.password,
        changes_of_owner=of_owner,
        now_ms=await having.now_ms(),
        write=visitor.write("accept-invitation", joiner.actor, said, signed=joiner.signed),
    )
    match done:
        case "gone":
            raise NotFound("Invitation")
        case "taken":
            raise Conflict("A user has that address; sign in, and open the link again.")
        case "other":
            raise Forbidden("The invitation is for another e-mail address than yours")
        case _:
            return done
