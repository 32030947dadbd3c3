"""What may be searched for among crons."""

from collections.abc import Iterator

from redis.asyncio import Redis

from shared.actions.searches import looks, queries
from shared.actions.searches.looks import LookedCron, host_of
from shared.basics import search
from shared.basics.search import Key, Search
from shared.schemas.base import Method
from shared.schemas.crons import CronMode
from shared.store.keyspace import Team

_STATUSES = ("active", "paused", "ended", "failing", "alerted")


def _statuses(cron: LookedCron) -> Iterator[str]:
    if cron.has_ended:
        yield "ended"
    else:
        yield "active" if cron.is_active else "paused"
    if cron.consecutive_failures:
        yield "failing"
    if cron.is_alerted:
        yield "alerted"


KEYS: dict[str, Key[LookedCron]] = {
    "status": search.several(lambda cron: list(_statuses(cron)), choices=_STATUSES),
    "name": search.part(lambda cron: cron.name),
    "host": search.word(lambda cron: host_of(cron.url), is_written=True),
    "method": search.word(lambda cron: cron.method, choices=[one.value.lower() for one in Method]),
    "mode": search.word(lambda cron: cron.mode, choices=[one.value for one in CronMode]),
    "zone": search.word(lambda cron: cron.timezone),
    "failures": search.number(lambda cron: cron.consecutive_failures),
    "label": search.labels(lambda cron: cron.labels),
    "key": search.word(lambda cron: cron.key),
    "by": looks.MADE_BY,
    "since": search.since(lambda cron: cron.created_at),
    "until": search.until(lambda cron: cron.created_at),
}


async def understood(redis: Redis, team: Team, text: str | None) -> Search[LookedCron]:
    """Raises Invalid for what cannot be understood."""
    return await queries.understood(redis, team, text, KEYS, lambda cron: (cron.name, cron.url))
