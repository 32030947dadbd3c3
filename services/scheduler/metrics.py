"""Metrics of a scheduler for Prometheus: its punctuality and its duties."""

import asyncio

from prometheus_client import Counter, Gauge, Histogram
from redis.asyncio import Redis

from shared.runtime.steadily import Troubles
from shared.store.care import damage, overdue, retention

LOOK_SECONDS = 5.0

LATENESS = Histogram(
    "recuro_cron_lateness_seconds",
    "From the moment a cron was due to when this scheduler made its execution",
    buckets=(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0),
)
OVERDUE = Gauge(
    "recuro_crons_overdue_seconds", "For how long the oldest cron that is due was not made", ["shard"]
)
DAMAGED = Gauge("recuro_damaged_records", "What was found damaged and is named by `recuro doctor`", ["shard"])
TROUBLE = Gauge("recuro_scheduler_trouble", "1 while a duty of this scheduler cannot go on", ["duty"])
CORRECTION = Gauge(
    "recuro_clock_correction_seconds", "What is added to the clock of Redis because it jumped", ["shard"]
)
DIFFERENCE = Gauge(
    "recuro_clock_difference_seconds",
    "How far the clock of Redis, without correction, is ahead of this scheduler's",
    ["shard"],
)
VOUCHED = Gauge(
    "recuro_clock_vouched", "Whether this scheduler believes the installation's clock (0 or 1)", ["shard"]
)
JUMPS = Counter(
    "recuro_clock_jumps",
    "Jumps of the clock of Redis that this scheduler corrected, or doubted for a while",
    ["shard", "outcome"],
)
RETENTION = Gauge(
    "recuro_retention_waits", "Kinds of history that would go nearly whole, and wait for a day", ["shard"]
)
WATCHED = Gauge("recuro_crons_watched", "Active crons that were compared with their plans", ["shard"])
RESCHEDULED = Counter(
    "recuro_crons_reckoned_anew",
    "Crons whose next fire was later than their plan has it, and was mended",
    ["shard"],
)


async def keep_measuring(redis: Redis, shard: str) -> None:
    while True:
        OVERDUE.labels(shard).set((await overdue.seconds(redis, shard))["cron"])
        RETENTION.labels(shard).set(len(await retention.waiting(redis, shard)))
        DAMAGED.labels(shard).set(await damage.count(redis, shard))
        await asyncio.sleep(LOOK_SECONDS)


async def keep_showing(troubles: Troubles) -> None:
    """Show which duties have trouble."""
    shown: set[str] = set()
    while True:
        now = set(troubles.sentences)
        for loop in now | shown:
            TROUBLE.labels(loop).set(loop in now)
        shown |= now
        await asyncio.sleep(LOOK_SECONDS)
