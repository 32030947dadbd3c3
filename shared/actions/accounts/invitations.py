"""Invitations into a team: what its admins can do to them, and how they are accepted."""

from collections.abc import Mapping, Sequence

from redis.asyncio import Redis

from shared import clock
from shared.actions import audit
from shared.actions.accounts.teams import DELETED
from shared.basics import words
from shared.errors import Conflict, Ended, Invalid, NotFound
from shared.operations import Call
from shared.schemas.accounts.invitations import (
    Invitation,
    InvitationCreate,
    InvitationQuery,
    InvitationWithCode,
)
from shared.schemas.accounts.users import Role, key_of
from shared.schemas.base import Page
from shared.security.sessions import DAY_MILLISECONDS, new_secret
from shared.security.tokens import digest_of
from shared.store import account_keys, keyspace, moments, paging, records
from shared.store.keyspace import Team
from shared.store.transitions import accounts

VALID_DAYS = 7
JOIN = "/join"
"""The page that takes the code of an invitation."""
_PLACE = "invitation"


async def page(redis: Redis, team: Team, query: InvitationQuery) -> Page[Invitation]:
    """Those that nobody has accepted, also for a day after their end."""

    async def read(ids: Sequence[int]) -> list[Invitation]:
        return await _read(redis, team, ids)

    listing = paging.Listing(
        [f"invitations:{team.id}"], read, matches=lambda one, text: words.contains(text, one.email)
    )
    return await paging.read_page(redis, Team(team.id, keyspace.GLOBAL), listing, query)


async def get(redis: Redis, team: Team, invitation: int) -> Invitation:
    found = await _read(redis, team, [invitation])
    if not found:
        raise NotFound("Invitation")
    return found[0]


async def create(call: Call, wanted: InvitationCreate) -> InvitationWithCode:
    """Invite an address for 7 days; a repeat under the key answers with the same code."""
    team, code = call.team.id, new_secret()
    now_ms = clock.milliseconds(await moments.now(call.redis, call.team.shard))
    made = await accounts.create_invitation(
        call.redis,
        team=team,
        email=key_of(wanted.email),
        email_given=wanted.email,
        role=wanted.role.value,
        by=call.actor,
        by_user=call.caller.user,
        link=digest_of(code),
        sealed=call.vault.seal(code, team, _PLACE),
        expires=now_ms + VALID_DAYS * DAY_MILLISECONDS,
        now_ms=now_ms,
        write=call.write(audit.made(email=wanted.email, role=wanted.role.value)),
    )
    match made:
        case "gone":
            raise Ended(DELETED)
        case "member":
            raise Invalid("email", "The email field must be of nobody who is a member already.")
        case "full":
            raise Conflict("1,000 invitations are open; cancel some.")
    shown = _invitation(made.id, records.fields_of(made.fields))
    code = call.vault.open(made.sealed, team, _PLACE)
    link = f"{call.public_url}{JOIN}/{code}" if call.public_url else None
    return InvitationWithCode(**shown.model_dump(), code=code, link=link)


async def cancel(call: Call, invitation: int) -> None:
    found = await _read(call.redis, call.team, [invitation])
    cancelled = await accounts.cancel_invitation(
        call.redis,
        team=call.team.id,
        invitation=invitation,
        write=call.write(audit.changes(found[0] if found else None, None)),
    )
    if not cancelled:
        raise NotFound("Invitation")


async def _read(redis: Redis, team: Team, ids: Sequence[int]) -> list[Invitation]:
    async with redis.pipeline(transaction=False) as pipe:
        for each in ids:
            pipe.hgetall(account_keys.invitation(team.id, each))
        rows = await pipe.execute()
    return [_invitation(each, row) for each, row in zip(ids, rows, strict=True) if row]


def _invitation(number: int, fields: Mapping[str, str]) -> Invitation:
    return Invitation(
        id=number,
        email=fields["email_given"],
        role=Role(fields["role"]),
        invited_by=fields["by"],
        created_at=clock.moment(fields["created"]),
        expires_at=clock.moment(fields["expires"]),
    )
