"""What the API tells Prometheus of overdue work: it is asked where no scheduler is left to tell it."""

from prometheus_client import Gauge
from redis.asyncio import Redis

from shared import keyspace, overdue
from shared.errors import Damaged
from shared.store import AWAY

OVERDUE = Gauge(
    "recuro_overdue_seconds",
    "For how long the oldest job or cron is due that no scheduler took up; NaN where Redis does not say",
    ["shard", "kind"],
)


async def look(redis: Redis) -> None:
    """Renew what only Redis knows."""
    for shard in keyspace.SHARDS:
        try:
            late = await overdue.seconds(redis, shard)
        except (Damaged, *AWAY):
            late = dict.fromkeys(("job", "cron"), float("nan"))
        for kind, seconds in late.items():
            OVERDUE.labels(shard, kind).set(seconds)
