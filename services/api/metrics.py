"""What the API reports to Prometheus of workers, schedulers and overdue work, for they may all be gone."""

from collections.abc import Mapping

from prometheus_client import Gauge
from redis.asyncio import Redis

from shared.errors import Damaged
from shared.runtime import health
from shared.store import keyspace
from shared.store.care import overdue
from shared.store.connection import AWAY

OVERDUE = Gauge(
    "recuro_overdue_seconds",
    "For how long the oldest job or cron is due that no scheduler took up; NaN where Redis does not say",
    ["shard", "kind"],
)
ALIVE = Gauge(
    "recuro_processes_alive",
    "Workers and schedulers that gave a sign of life in the last 30 s; NaN where Redis does not say",
    ["service"],
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
    for service, alive in (await _living(redis)).items():
        ALIVE.labels(service).set(alive)


async def _living(redis: Redis) -> Mapping[str, float]:
    try:
        return await health.living(redis)
    except (Damaged, *AWAY):
        return dict.fromkeys(health.SERVICES, float("nan"))
