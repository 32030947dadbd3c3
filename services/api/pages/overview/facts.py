"""What the overview is made of, asked all at once: what is kept, and no list that is not shown."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.api.pages.visits import Visit
from shared.actions import alerts, cron_records, crons, limits, notifications, queues
from shared.actions.accounts import tokens
from shared.actions.reports import hosts, problems, stats
from shared.operations import Call
from shared.runtime import installation
from shared.runtime.installation import Installation
from shared.schemas.accounts.tokens import Token
from shared.schemas.alerts import Alert, AlertQuery
from shared.schemas.base import Page, PageQuery
from shared.schemas.crons import Cron, CronFilter, CronQuery
from shared.schemas.notifications import Notifications
from shared.schemas.queues import Queue
from shared.schemas.reports.hosts import Host, HostFilter, HostQuery
from shared.schemas.reports.problems import Problem, ProblemQuery, ProblemState
from shared.schemas.reports.stats import Stats, StatsBy, StatsQuery
from shared.schemas.teams import Usage
from shared.security.sessions import Signed
from shared.store import ledger, moments
from shared.store.care import overdue
from shared.store.ledger import Ledger

PROBLEMS, CRONS, QUEUES, HOSTS, ALERTS = 50, 25, 100, 25, 25
"""Of each kind so many are looked at, and so many crons are read by a call."""
BUSIEST = 5
"""Queues that are shown."""
RECENT, SOON = timedelta(minutes=20), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Facts:
    now: datetime
    zone: str
    base: str
    installation: Installation
    active: int
    paused: int
    """Crons."""
    problems: Page[Problem]
    """Those that are open, the last seen first."""
    crons: Mapping[int, Cron]
    """Those of the problems, by their ids."""
    late: Sequence[tuple[int, datetime]]
    """Crons of which no scheduler made the fire, and its moment."""
    queues: Page[Queue]
    recent: Mapping[int, Stats]
    """The last 20 minutes of the busiest queues, by their ids."""
    hosts: Page[Host]
    """Those that rest."""
    dead_host: Host | None
    """That of the problem with the most dead letters, if it rests or did lately."""
    usage: Usage
    alerts: Sequence[Alert]
    channels: Notifications
    tokens: Sequence[Token]
    """Those that expire soon, for admins."""
    hour: Stats
    ledger: Ledger

    @property
    def busiest(self) -> list[Queue]:
        return [queue for queue in by_load(self.queues.data) if queue.id in self.recent]

    @property
    def has_more(self) -> bool:
        """Whether there are more open problems than were looked at."""
        return self.problems.total > len(self.problems.data)

    @property
    def is_empty(self) -> bool:
        """Whether the team has neither crons nor queues yet."""
        return not (self.active or self.paused or self.queues.total)


def by_load(found: Sequence[Queue]) -> list[Queue]:
    """The busiest first: by what is in flight and waits, then by what has failed for good."""
    return sorted(
        found,
        key=lambda one: (
            -one.counts.processing - one.counts.pending,
            -one.counts.dead_lettered,
            one.name.casefold(),
        ),
    )


def most_dead(found: Sequence[Problem]) -> Problem | None:
    """The one with the most dead letters, if one has any."""
    largest = max(found, key=lambda one: one.dead_letters, default=None)
    return largest if largest and largest.dead_letters else None


async def read(visit: Visit, signed: Signed, zone: str, base: str) -> Facts:
    call = visit.call(signed, "get-stats")
    redis, team = call.redis, call.team
    of_team, listed, (queues_of, recent), now, ground, late = await asyncio.gather(
        _of_team(call),
        _listed(call, signed),
        _queues(call),
        visit.having.now(),
        installation.read(redis),
        overdue.crons(redis, team),
    )
    return Facts(
        now=now,
        zone=zone,
        base=base,
        installation=ground,
        late=late,
        queues=queues_of,
        recent=recent,
        **of_team,
        **listed,
    )


async def _of_team(call: Call) -> dict[str, Any]:
    """The fields that are one record each."""
    active, paused, usage, channels, hour, balance = await asyncio.gather(
        _count(call, CronFilter.ACTIVE),
        _count(call, CronFilter.PAUSED),
        limits.usage(call.redis, call.team),
        notifications.get(call.redis, call.vault, call.team),
        stats.get(call, StatsQuery(by=StatsBy.MINUTE)),
        ledger.read(call.redis, call.team),
    )
    return {
        "active": active,
        "paused": paused,
        "usage": usage,
        "channels": channels,
        "hour": hour,
        "ledger": balance,
    }


async def _listed(call: Call, signed: Signed) -> dict[str, Any]:
    """The fields that are lists."""
    (open_ones, failing), known, told, expiring = await asyncio.gather(
        _problems(call),
        hosts.read(call),
        alerts.page(call.redis, call.team, AlertQuery(per_page=ALERTS)),
        _tokens(call, signed),
    )
    dead = most_dead(open_ones.data)
    return {
        "problems": open_ones,
        "crons": failing,
        "hosts": known.page(HostQuery(filter=HostFilter.RESTING, per_page=HOSTS)),
        "dead_host": known.named(dead.host) if dead and dead.host else None,
        "alerts": told.data,
        "tokens": expiring,
    }


async def _count(call: Call, which: CronFilter) -> int:
    return (await crons.page(call.redis, call.team, CronQuery(filter=which, per_page=1))).total


async def problems_of(call: Call) -> Page[Problem]:
    """Those that are open."""
    return await problems.page(call, ProblemQuery(state=ProblemState.OPEN, per_page=PROBLEMS))


async def crons_of(call: Call, found: Sequence[Problem]) -> Mapping[int, Cron]:
    """The crons that have these problems: so no cron is looked at that does not fail."""
    ids = list(dict.fromkeys(one.cron_id for one in found if one.cron_id))
    parts = [ids[start : start + CRONS] for start in range(0, len(ids), CRONS)]
    rows = await asyncio.gather(*(cron_records.rows(call.redis, call.team, part) for part in parts))
    return {cron.id: cron for part in rows for cron in part}


async def _problems(call: Call) -> tuple[Page[Problem], Mapping[int, Cron]]:
    found = await problems_of(call)
    return found, await crons_of(call, found.data)


async def _queues(call: Call) -> tuple[Page[Queue], Mapping[int, Stats]]:
    found = await queues.page(call.redis, call.team, PageQuery(per_page=QUEUES))
    since = await moments.now(call.redis, call.team.shard) - RECENT
    busiest = [queue.id for queue in by_load(found.data)[:BUSIEST]]
    figures = await asyncio.gather(
        *(stats.get(call, StatsQuery(by=StatsBy.MINUTE, from_=since, queue_id=one)) for one in busiest)
    )
    return found, dict(zip(busiest, figures, strict=True))


async def _tokens(call: Call, signed: Signed) -> Sequence[Token]:
    if signed.role != "admin":
        return ()
    return await tokens.expiring(call, SOON)
