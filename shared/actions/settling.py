"""Read a cron before a change: by the clock of Redis, and with no more fires due than one call makes."""

import time
from datetime import datetime

from redis.asyncio import Redis

from shared import clock
from shared.actions import owing
from shared.errors import Conflict, NotFound
from shared.store import moments, records, transitions
from shared.store.keyspace import Team
from shared.store.records import Fields

PATIENCE_SECONDS = 10.0
"""How long a change waits while the cron catches up on due fires."""
_OWING = "The cron still has missed fires to make up for, before a change; try again in some seconds."


async def read(
    redis: Redis, team: Team, cron_id: int, now: datetime | None = None
) -> tuple[Fields, datetime]:
    """A cron's fields, and `now` or else the time when they were read; raises NotFound."""
    now_ms, crons = await transitions.read_crons(redis, team, [cron_id])
    if not crons:
        raise NotFound("Cron")
    return records.fields_of(crons[0].fields), now or clock.moment(now_ms)


async def read_settled(
    redis: Redis, team: Team, cron_id: int, now: datetime | None = None
) -> tuple[Fields, datetime]:
    """The same, once the cron owes no more than one call makes; raises Conflict if that takes too long.

    It waits for a clock that is vouched for: by one that just jumped, fires still to come would be owed.
    """
    if now is None:
        await moments.settled(redis, team.shard)
    ends = time.monotonic() + PATIENCE_SECONDS
    while True:
        fields, at = await read(redis, team, cron_id, now)
        owed = owing.owed(fields, at)
        if not owing.is_more_than_a_step(owed, at):
            return fields, at
        if time.monotonic() > ends:
            raise Conflict(_OWING)
        version = fields.get("version")
        await transitions.settle_cron(redis, team, owed, cron=cron_id, version=version, now_ms=given(now))


def given(now: datetime | None) -> int | None:
    """The moment as transitions take it; without it they use their own clock."""
    return None if now is None else clock.milliseconds(now)
