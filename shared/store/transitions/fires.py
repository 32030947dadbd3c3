"""Fires of crons: found when they are due, made once, settled before a change, rescheduled."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from shared.store import keyspace
from shared.store.keyspace import Team
from shared.store.transitions.functions import Argument, Function, flat

_DUE = Function("due_crons")
_FIRE = Function("fire_crons")
_SET_ASIDE = Function("set_crons_aside")
_SETTLE = Function("settle_cron")
_RENEW = Function("renew_crons")
_ANNOUNCE = Function("announce_zones")
_READ_PLANS = Function("read_plans")


class Fire(NamedTuple):
    """One record to be made, of a fire and of `missed` others before it."""

    at_ms: int
    missed: int
    first_ms: int
    skip_reason: str
    """Empty if it runs."""


class Owed(NamedTuple):
    """What a cron owes by the plan it has, which is made before that plan is changed."""

    known_next: str | None
    """Its next fire as it was read (ms)."""
    not_due_ms: int | None
    """The first fire that is not due."""
    fired_until_ms: int
    """The last fire that was made or is due, without the cron's offset; 0 if there is none."""
    fires: Sequence[Fire] = ()
    """Those that are due."""


class JudgedCron(NamedTuple):
    """What becomes of a cron that is due; so many fires follow its row."""

    team: str | int
    id: str | int
    version: str | int
    due_ms: int
    following_ms: int | str
    """Empty if it has ended."""
    fired_until_ms: int
    """Its last fire here, without its offset."""
    fires: int


class CronAside(NamedTuple):
    """When to look again at a cron that nobody could judge."""

    team: str | int
    id: str | int
    version: str | int
    again_ms: int


class Renewal(NamedTuple):
    """Another next fire of a cron."""

    team: str | int
    id: str | int
    version: str | int
    known_next_ms: int
    next_ms: int


class DueCron(NamedTuple):
    """A cron that is due, as it is stored."""

    member: str
    """<team>:<id>"""
    due_ms: str
    version: str
    expression: str
    timezone: str
    offset: str
    """s"""
    timing: str
    """JSON."""
    fired_until_ms: str


class DueCrons(NamedTuple):
    """What one look saw."""

    now_ms: int
    next_due_ms: int
    """The first after these; 0 if there is none."""
    crons: Sequence[DueCron]
    is_outdated: bool
    """Those with a time zone are for others to fire, by a newer release of its rules."""


class StoredPlan(NamedTuple):
    """By what plan a cron fires, and when next, as it is stored."""

    id: str
    version: str
    next_ms: str
    fired_until_ms: str
    """Without its offset; 0 if nobody knows."""
    expression: str
    timezone: str
    offset: str
    """s"""
    timing: str
    """JSON."""


async def due_crons(
    redis: Redis,
    shard: str,
    *,
    ahead_ms: int,
    most: int,
    skip: int,
    release: str,
    now_ms: int | None = None,
) -> DueCrons:
    """Those due up to `ahead_ms` from now, earliest first and without the first `skip`.

    `release`: of the time zones' rules, by which the caller computes.
    """
    now, next_due, rows, is_outdated = await _DUE(
        redis,
        keyspace.prefix(shard),
        ahead_ms=ahead_ms,
        most=most,
        skip=skip,
        release=release,
        now_ms=now_ms,
    )
    return DueCrons(now, next_due, [DueCron(*row) for row in rows], bool(is_outdated))


async def fire_crons(
    redis: Redis,
    shard: str,
    crons: Iterable[tuple[JudgedCron, Sequence[Fire]]],
    *,
    release: str | None,
    now_ms: int | None = None,
) -> list[int]:
    """Per cron 1 if it fired here, 0 if it changed or others fire it, -1 if it is not due yet.

    `release`: of the time zones' rules, by which the following fires were computed; None if by none.
    """
    rest: list[Argument] = []
    for cron, fires in crons:
        rest += (*cron, *flat(fires))
    verdicts: list[int] = await _FIRE(redis, keyspace.prefix(shard), rest, release=release, now_ms=now_ms)
    return verdicts


async def set_crons_aside(redis: Redis, shard: str, crons: Iterable[CronAside]) -> int:
    """Look at them again later, if they have not changed; how many that are."""
    return int(await _SET_ASIDE(redis, keyspace.prefix(shard), flat(crons)))


async def settle_cron(
    redis: Redis, team: Team, owed: Owed, *, cron: int, version: str | None, now_ms: int | None = None
) -> bool:
    """Make a part of what a cron owes; False if it is another than was read, or not due yet."""
    return bool(
        await _SETTLE(
            redis,
            team.prefix,
            flat(owed.fires),
            team=team.id,
            cron=cron,
            version=version,
            known_next=owed.known_next,
            not_due_ms=owed.not_due_ms,
            fired_until_ms=owed.fired_until_ms,
            now_ms=now_ms,
        )
    )


async def renew_crons(
    redis: Redis,
    shard: str,
    crons: Iterable[Renewal],
    *,
    release: str | None = None,
    now_ms: int | None = None,
) -> int:
    """Give them another next fire, if they are as they were read and not due; how many got one.

    `release`: of the time zones' rules that say so, if it is they.
    """
    return int(await _RENEW(redis, keyspace.prefix(shard), flat(crons), release=release, now_ms=now_ms))


async def announce_zones(
    redis: Redis, shard: str, *, release: str, now_ms: int | None = None
) -> tuple[str, bool]:
    """Say by which release of the time zones' rules a scheduler computes.

    Returns the newest that ever was, and whether a scheduler that lives has it.
    """
    newest, is_alive = await _ANNOUNCE(redis, keyspace.prefix(shard), release=release, now_ms=now_ms)
    return newest, bool(is_alive)


async def read_plans(
    redis: Redis, team: Team, *, after: int, most: int, now_ms: int | None = None
) -> tuple[int, int, list[StoredPlan]]:
    """Now (ms), the last of a team's active crons looked at (0 = all were), those with a next fire."""
    now, last, rows = await _READ_PLANS(
        redis, team.prefix, team=team.id, after=after, most=most, now_ms=now_ms
    )
    return now, last, [StoredPlan(*row) for row in rows]
