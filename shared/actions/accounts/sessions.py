"""What a user can do to its own sessions."""

from redis.asyncio import Redis

from shared import clock
from shared.actions import audit
from shared.actions.accounts.visits import Accounts, Visitor
from shared.errors import NotFound
from shared.schemas.accounts.sessions import Session, TeamOfUser
from shared.security.sessions import Signed
from shared.security.tokens import ID_DIGITS
from shared.store import account_keys
from shared.store.transitions import accounts


async def listed(redis: Redis, signed: Signed) -> list[Session]:
    """All of the user that have not ended, newest first."""
    digests = await redis.zrevrange(account_keys.sessions(signed.user), 0, -1)
    async with redis.pipeline(transaction=False) as pipe:
        for digest in digests:
            pipe.hgetall(account_keys.session(digest))
        rows = await pipe.execute()
    return [
        Session(
            id=digest[:ID_DIGITS],
            is_this=digest == signed.session,
            address=row["address"],
            client=row["client"],
            created_at=clock.moment(row["created"]),
            seen_at=clock.moment(row["seen"]),
            expires_at=clock.moment(row["expires"]),
        )
        for digest, row in zip(digests, rows, strict=True)
        if row
    ]


async def sign_out(having: Accounts, signed: Signed) -> None:
    """End the session itself."""
    await accounts.end_sessions(having.redis, user=signed.user, begins=signed.session)
    having.sessions.forget(signed.session)


async def revoke(having: Accounts, visitor: Visitor, signed: Signed, session_id: str) -> None:
    """End one of the user's sessions, everywhere within 5 s; raises NotFound."""
    ended = audit.gone(session=session_id)
    if len(session_id) != ID_DIGITS or not await accounts.end_sessions(
        having.redis,
        user=signed.user,
        begins=session_id,
        team=signed.team.id if signed.team else None,
        write=having.write(visitor, signed, "end-session", ended),
    ):
        raise NotFound("Session")
    if signed.session.startswith(session_id):
        having.sessions.forget(signed.session)


async def revoke_others(having: Accounts, visitor: Visitor, signed: Signed) -> int:
    """End all of the user's sessions but this one; how many."""
    return await accounts.end_sessions(
        having.redis,
        user=signed.user,
        keep=signed.session,
        team=signed.team.id if signed.team else None,
        write=having.write(visitor, signed, "end-other-sessions"),
    )


async def teams(redis: Redis, signed: Signed) -> list[TeamOfUser]:
    """The teams that the user is in, by name."""
    ids = sorted(await redis.smembers(account_keys.member_of(signed.user)), key=int)  # type: ignore[misc]
    async with redis.pipeline(transaction=False) as pipe:
        for team in ids:
            pipe.hgetall(account_keys.team(team))
            pipe.hget(account_keys.member(team, signed.user), "role")
        rows = await pipe.execute()
    found = [
        TeamOfUser(
            id=int(team), name=fields["name"], role=role, is_owner=fields.get("owner") == str(signed.user)
        )
        for team, fields, role in zip(ids, rows[::2], rows[1::2], strict=True)
        if fields.get("name") and "deleted" not in fields and role
    ]
    return sorted(found, key=lambda one: one.name.lower())


async def switch_team(having: Accounts, signed: Signed, team: int) -> None:
    """Act in another of the user's teams from now on; raises NotFound."""
    if not await accounts.switch_team(having.redis, session=signed.session, team=team):
        raise NotFound("Team")
    having.sessions.forget(signed.session)
