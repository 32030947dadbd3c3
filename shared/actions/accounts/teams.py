"""What a caller can do to its team itself."""

from collections.abc import Mapping

from shared import clock
from shared.actions import audit
from shared.errors import Conflict, Ended, Forbidden, Invalid
from shared.operations import Call
from shared.schemas.accounts.teams import Team, TeamUpdate
from shared.schemas.base import STORED
from shared.security.tokens import BOOTSTRAP_TEAM
from shared.store import account_keys, keyspace, moments, records, transitions
from shared.store.transitions import accounts

ACCOUNTS = keyspace.prefix(keyspace.GLOBAL)
_ATTEMPTS = 5
TAKEN = "The name field must be unique: another team has it."
DELETED = "The team was deleted"
_BUSY = "The team is being changed by others; try again."


async def get(call: Call) -> Team:
    """Raises Unauthenticated once it is deleted, as its tokens are worth nothing a moment later."""
    return _team(call, await _read(call))


def check_name(name: str) -> None:
    """Raise Invalid for the name by which an installation finds the team of its bootstrap token."""
    if name.strip() == BOOTSTRAP_TEAM:
        raise Invalid("name", TAKEN)


async def rename(call: Call, changes: TeamUpdate) -> Team:
    """Give it another name, which no other team may have; `call.versions` are names."""
    if done := await transitions.recall(call.redis, call.key, prefix=ACCOUNTS):
        return _team(call, records.fields_of(done))
    for _ in range(_ATTEMPTS):
        before = await get(call)
        call.versions.check(before.name)
        if changes.name != before.name:
            check_name(changes.name)
        wanted = before.model_copy(update=changes.model_dump())
        row = await accounts.rename_team(
            call.redis,
            team=call.team.id,
            before=before.name,
            name=changes.name,
            write=call.write(audit.changes(before, wanted)),
        )
        match row:
            case "taken":
                raise Invalid("name", TAKEN)
            case "gone":
                raise Ended(DELETED)
            case "stale":
                continue
            case _:
                return _team(call, records.fields_of(row))
    raise Conflict(_BUSY)


async def hand_over(call: Call, member: int) -> Team:
    """Make a member the owner, who cannot be removed; only the owner may, or an operator."""
    if done := await transitions.recall(call.redis, call.key, prefix=ACCOUNTS):
        return _team(call, records.fields_of(done))
    for _ in range(_ATTEMPTS):
        before = await get(call)
        check_owner(call, before.owner_id)
        wanted = before.model_copy(update={"owner_id": member})
        row = await accounts.hand_over_team(
            call.redis,
            team=call.team.id,
            user=member,
            before=before.owner_id,
            write=call.write(audit.changes(before, wanted)),
        )
        match row:
            case "nobody":
                raise Invalid("member_id", "The member_id field must name a member of this team.")
            case "gone":
                raise Ended(DELETED)
            case "stale":
                continue
            case _:
                return _team(call, records.fields_of(row))
    raise Conflict(_BUSY)


async def delete(call: Call) -> None:
    """Delete it: its tokens and sessions stop within 5 s, all else goes in steps; only the owner may.

    `call.versions` are names: raises Stale for a team that has another one by the time that it is deleted.
    """
    now_ms = clock.milliseconds(await moments.now(call.redis, call.team.shard))
    for _ in range(_ATTEMPTS):
        fields = await call.redis.hgetall(account_keys.team(call.team.id))  # type: ignore[misc]
        before = _team(call, fields)  # it may be done, under the caller's key
        check_owner(call, before.owner_id)
        if before.name:
            call.versions.check(before.name)
        deleted = await accounts.delete_team(
            call.redis,
            team=call.team.id,
            before=before.owner_id,
            name=before.name,
            now_ms=now_ms,
            write=call.write(audit.changes(before, None)),
        )
        if deleted:
            return
        if deleted is not None:
            raise Ended(DELETED)
    raise Conflict(_BUSY)


def check_owner(call: Call, owner: int | None) -> None:
    """Raise Forbidden for a user who is not the owner; what an operator made is no user's."""
    if call.caller.user is not None and call.caller.user != owner:
        raise Forbidden("Only the owner of the team may do that", "owner")


async def _read(call: Call) -> Mapping[str, str]:
    fields: dict[str, str] = await call.redis.hgetall(account_keys.team(call.team.id))  # type: ignore[misc]
    if not fields.get("name") or fields.get("deleted"):
        raise Ended(DELETED)
    return fields


def _team(call: Call, fields: Mapping[str, str]) -> Team:
    given = {
        "id": call.team.id,
        "name": fields.get("name", ""),
        "owner_id": int(fields["owner"]) if fields.get("owner") else None,
        "created_at": clock.moment(fields["created"]) if fields.get("created") else None,
    }
    return Team.model_validate(given, context=STORED)
