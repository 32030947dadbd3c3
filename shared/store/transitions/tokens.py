"""Tokens as they are kept: made, changed, renewed, deleted, and what is counted of their use."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from redis.asyncio import Redis

from shared.store import keyspace
from shared.store.transitions.functions import Argument, Function, flat
from shared.store.writes import OURS, Write

_SAVE_TOKEN = Function("save_token")
_RENEW_TOKEN = Function("renew_token")
_DELETE_TOKEN = Function("delete_token")
_ADOPT_TOKENS = Function("adopt_tokens")
_READ_TOKENS = Function("read_tokens")
_NOTE_USE = Function("note_use")
_COUNT_USE = Function("count_use")
_NAME_MAKERS = Function("name_makers")
_ACCOUNTS = keyspace.prefix(keyspace.GLOBAL)
MOST_TOKENS = 500
"""Of a team: their names are compared in one step."""


class TokenFields(NamedTuple):
    """What is stored of a token that callers have a say in."""

    name: str
    scopes: str
    """With commas between."""
    limits: str
    """`TokenLimits` (JSON)."""


class NewToken(NamedTuple):
    """What a token is, and never is again; `sealed` for whoever repeats the call under its key."""

    digest: str
    last_four: str
    sealed: str | None = None
    user: int | None = None
    """Whose it is; nobody's is an operator's."""


class StoredToken(NamedTuple):
    """A token as it is stored, and what was noted of its use: name, value, …"""

    id: int
    digest: str
    fields: Sequence[str]
    use: Sequence[str]


class SavedToken(NamedTuple):
    """The same after a write; and itself, sealed, as it was given."""

    id: int
    digest: str
    fields: Sequence[str]
    use: Sequence[str]
    sealed: str


class Window(NamedTuple):
    """What a token may still do until an hour or a day is over."""

    name: str
    most: int
    left: int
    ends_in_ms: int


class Counted(NamedTuple):
    """The name of the window that had no room, so that nothing was counted, or ''; and all windows."""

    full: str
    windows: Sequence[Window]


async def create_token(
    redis: Redis,
    *,
    team: int,
    fields: TokenFields,
    new: NewToken,
    created_by: str,
    now_ms: int,
    may_share_name: bool = False,
    write: Write = OURS,
) -> SavedToken | Literal["taken", "full"]:
    """Make a token, or register one again that is known."""
    saved = await _SAVE_TOKEN(
        redis,
        _ACCOUNTS,
        flat([fields]),
        write=write,
        team=team,
        digest=new.digest,
        last_four=new.last_four,
        sealed=new.sealed,
        user=new.user,
        created_by=created_by,
        may_share_name=may_share_name,
        most=MOST_TOKENS,
        now_ms=now_ms,
    )
    answer: SavedToken | Literal["taken", "full"]
    answer = saved if saved in ("taken", "full") else SavedToken(*saved)
    return answer


async def change_token(
    redis: Redis, *, team: int, token: int, version: str, fields: TokenFields, write: Write = OURS
) -> SavedToken | Literal["taken", "stale"] | None:
    """Change a token that still has the version; None if it is gone."""
    saved = await _SAVE_TOKEN(
        redis, _ACCOUNTS, flat([fields]), write=write, team=team, token=token, version=version
    )
    answer: SavedToken | Literal["taken", "stale"] | None
    answer = saved if saved in ("taken", "stale") else SavedToken(*saved) if saved else None
    return answer


async def renew_token(
    redis: Redis, *, team: int, token: int, version: str, new: NewToken, write: Write = OURS
) -> SavedToken | Literal["stale"] | None:
    """Replace a token that still has the version by a new one with the same id; None if it is gone."""
    saved = await _RENEW_TOKEN(
        redis,
        _ACCOUNTS,
        write=write,
        team=team,
        token=token,
        version=version,
        digest=new.digest,
        last_four=new.last_four,
        sealed=new.sealed,
        user=new.user,
    )
    answer: SavedToken | Literal["stale"] | None
    answer = saved if saved == "stale" else SavedToken(*saved) if saved else None
    return answer


async def delete_token(
    redis: Redis,
    *,
    team: int,
    token: int | None = None,
    digest: str | None = None,
    version: str | None = None,
    write: Write = OURS,
) -> bool | None:
    """Delete a token, by its id or its digest; whether there was one. None: it changed since it was read."""
    deleted = await _DELETE_TOKEN(
        redis, _ACCOUNTS, write=write, team=team, token=token, digest=digest, version=version
    )
    return None if deleted == "stale" else bool(deleted)


async def adopt_tokens(redis: Redis, digests: Sequence[str]) -> int:
    """Give those of earlier versions an id; how many had none."""
    return int(await _ADOPT_TOKENS(redis, _ACCOUNTS, digests))


async def read_tokens(redis: Redis, *, team: int, ids: Sequence[int] = ()) -> list[StoredToken]:
    """Those that are there, or all of the team."""
    return [StoredToken(*row) for row in await _READ_TOKENS(redis, _ACCOUNTS, ids, team=team)]


async def note_use(redis: Redis, *, digest: str, interface: str, address: str, now_ms: int) -> None:
    """Note when and from where a token was used."""
    await _NOTE_USE(redis, _ACCOUNTS, digest=digest, interface=interface, address=address, now_ms=now_ms)


async def note_refusal(redis: Redis, *, digest: str, reason: str) -> None:
    """Count what a token was refused, by the reason."""
    await _NOTE_USE(redis, _ACCOUNTS, digest=digest, reason=reason)


async def count_use(
    redis: Redis,
    *,
    digest: str,
    calls: int,
    runs: int,
    most: Sequence[int | None],
    now_ms: int,
) -> Counted:
    """Count calls and runs; `most` are those an hour and a day of calls, and the same of runs."""
    calls_per_hour, calls_per_day, runs_per_hour, runs_per_day = most
    full, windows = await _COUNT_USE(
        redis,
        _ACCOUNTS,
        digest=digest,
        calls=calls,
        runs=runs,
        calls_per_hour=calls_per_hour,
        calls_per_day=calls_per_day,
        runs_per_hour=runs_per_hour,
        runs_per_day=runs_per_day,
        now_ms=now_ms,
    )
    return Counted(full, [Window(*row) for row in windows])


async def name_makers(redis: Redis, *, team: int, codes: Sequence[str]) -> Mapping[str, str]:
    """What tokens (`t:12`) and users (`u:3`) are called by now, without those that are gone."""
    return names_of(codes, await _NAME_MAKERS(redis, _ACCOUNTS, codes, team=team))


def name_makers_command(*, team: int, codes: Sequence[str]) -> tuple[Argument, ...]:
    """The same for `exchange`: `names_of` reads the answer."""
    return _NAME_MAKERS.command(_ACCOUNTS, codes, team=team)


def names_of(codes: Sequence[str], answer: Sequence[str]) -> Mapping[str, str]:
    return {code: name for code, name in zip(codes, answer, strict=True) if name}
