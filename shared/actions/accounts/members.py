"""What a caller can do to the members of its team."""

from collections.abc import Sequence

from redis.asyncio import Redis

from shared import clock
from shared.actions import audit
from shared.actions.accounts.teams import ACCOUNTS
from shared.basics import words
from shared.errors import Conflict, NotFound
from shared.operations import Call
from shared.schemas.accounts.members import Member, MemberQuery, MemberUpdate
from shared.schemas.accounts.users import Role
from shared.schemas.base import Page
from shared.store import account_keys, keyspace, paging, transitions
from shared.store.keyspace import Team
from shared.store.transitions import accounts

_ATTEMPTS = 5
_BUSY = "The member is being changed by others; try again."
_OWNER_STAYS = "The owner of the team cannot be {}; hand the team over first."


async def page(redis: Redis, team: Team, query: MemberQuery) -> Page[Member]:
    async def read(ids: Sequence[int]) -> list[Member]:
        return await _read(redis, team, ids)

    listing = paging.Listing(
        [f"members:{team.id}"],
        read,
        matches=lambda one, text: words.contains(text, one.email) or words.contains(text, one.name),
    )
    return await paging.read_page(redis, Team(team.id, keyspace.GLOBAL), listing, query)


async def get(redis: Redis, team: Team, member: int) -> Member:
    """Raises NotFound for a user of other teams too."""
    found = await _read(redis, team, [member])
    if not found:
        raise NotFound("Member")
    return found[0]


async def update(call: Call, member: int, changes: MemberUpdate) -> Member:
    """Set what a member may do, from 5 s later at the latest; the owner stays an admin."""
    if await transitions.recall(call.redis, call.key, prefix=ACCOUNTS):
        return await get(call.redis, call.team, member)
    for _ in range(_ATTEMPTS):
        before = await get(call.redis, call.team, member)
        wanted = before.model_copy(update={"role": changes.role})
        done = await accounts.set_role(
            call.redis,
            team=call.team.id,
            user=member,
            role=changes.role.value,
            before=before.role.value,
            write=call.write(audit.changes(before, wanted)),
        )
        match done:
            case "owner":
                raise Conflict(_OWNER_STAYS.format("given another role"))
            case "nobody":
                raise NotFound("Member")
            case "stale":
                continue
            case _:
                return wanted
    raise Conflict(_BUSY)


async def remove(call: Call, member: int) -> None:
    """Take a member out of the team, whose sessions act in it no more after 5 s; the owner stays."""
    found = await _read(call.redis, call.team, [member])
    removed = await accounts.remove_member(
        call.redis,
        team=call.team.id,
        user=member,
        write=call.write(audit.changes(found[0] if found else None, None)),
    )
    if removed == "owner":
        raise Conflict(_OWNER_STAYS.format("removed"))
    if not removed:
        raise NotFound("Member")


async def leave(call: Call) -> None:
    """Take the caller itself out of the team."""
    if call.caller.user is None:
        raise NotFound("Member")
    await remove(call, call.caller.user)


async def _read(redis: Redis, team: Team, ids: Sequence[int]) -> list[Member]:
    """Those of the users who are members, in that order."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.hget(account_keys.team(team.id), "owner")
        for each in ids:
            pipe.hgetall(account_keys.user(each))
            pipe.hgetall(account_keys.member(team.id, each))
        owner, *rows = await pipe.execute()
    return [
        Member(
            id=each,
            email=user.get("email_given", ""),
            name=user.get("name", ""),
            role=Role.ADMIN if owner == str(each) else Role(its["role"]),
            is_owner=owner == str(each),
            joined_at=clock.moment(its["joined"]),
        )
        for each, user, its in zip(ids, rows[::2], rows[1::2], strict=True)
        if its
    ]
