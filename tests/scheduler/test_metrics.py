"""The metrics of a scheduler, as a scraper reads them."""

import socket
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.scheduler.metrics import LATENESS
from shared.actions import crons
from shared.runtime.serving.metrics import serving_metrics
from shared.settings import Settings
from shared.store.care import overdue
from shared.store.keyspace import Team
from tests.fires import MINUTE, NOON, SHARD, a_cron
from tests.installation import Installation, free_port
from tests.poll import until


def counted(bound: str) -> float:
    """How many fires were at most so late (s)."""
    (family,) = LATENESS.collect()
    return next(sample.value for sample in family.samples if sample.labels.get("le") == bound)


async def test_how_late_crons_were_is_counted_by_the_process_and_on_the_cron(
    redis: Redis, team: Team
) -> None:
    before = [counted(bound) for bound in ("0.1", "2.5", "60.0")]
    cron = await a_cron(redis, team)

    for minute, late in ((1, 40), (2, 2000), (3, 59_000), (4, 7000)):
        await fire_due(redis, SHARD, NOON + minute * MINUTE + timedelta(milliseconds=late))

    after = [counted(bound) for bound in ("0.1", "2.5", "60.0")]
    assert [late - early for early, late in zip(before, after, strict=True)] == [1, 2, 4]
    expected = {"100": 1, "1000": 0, "10000": 2, "60000": 1, "more": 0}
    assert (await crons.get(redis, team, cron.id)).lateness == expected


async def test_a_cron_that_nobody_fires_is_overdue(redis: Redis, team: Team) -> None:
    nothing = await overdue.seconds(redis, SHARD)
    await a_cron(redis, team, at=NOON)  # which is long ago, or to come
    await redis.zadd(f"{team.prefix}crons", {"1:1": 1_000_000})

    assert nothing == {"job": 0, "cron": 0}
    assert (await overdue.seconds(redis, SHARD))["cron"] > 1_700_000_000


async def test_a_port_that_is_taken_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        async with serving_metrics(Settings(metrics_port=port)):
            pass

    said = capsys.readouterr().out
    assert "metrics_unavailable" in said
    assert f"127.0.0.1:{port}" in said


async def test_a_scraper_reads_them_on_a_port_of_their_own(tmp_path: Path) -> None:
    port = free_port()
    with Installation(tmp_path, own={"scheduler": {"RECURO_METRICS_PORT": str(port)}}) as installation:
        asked = {"name": "a", "url": installation.api, "cron_expression": "* * * * * *"}
        assert installation.client.post("/api/crons", json=asked).status_code == 201

        async def has_fired() -> bool:
            async with httpx.AsyncClient(trust_env=False) as client:
                text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
            samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
            values = {sample.name: sample.value for sample in samples}
            return (
                values["recuro_cron_lateness_seconds_count"] > 0
                and values["recuro_crons_overdue_seconds"] < 60
            )

        assert await until(has_fired)
