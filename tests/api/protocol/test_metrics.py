"""What the API tells Prometheus, as a scraper reads it."""

import math
import time
from collections.abc import Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis
from structlog.testing import capture_logs

from services.cli.embedded import EmbeddedServer
from shared.runtime import health
from shared.settings import Settings
from shared.store.keyspace import Team
from tests.api.serving import serving
from tests.installation import free_port
from tests.runtime.wires import HALF, wire_to


@pytest.fixture(scope="module")
def port(server: EmbeddedServer) -> Iterator[int]:
    """Where an API tells its metrics."""
    port = free_port()
    with serving(Settings(redis_url=server.url, api_port=0, metrics_port=port)):
        yield port


async def overdue(port: int) -> dict[str, float]:
    """The gauge by what is overdue."""
    return await gauge(port, "recuro_overdue_seconds", "kind")


async def gauge(port: int, name: str, label: str) -> dict[str, float]:
    """Its values by one of its labels."""
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    found = [sample for sample in samples if sample.name == name]
    return {sample.labels[label]: sample.value for sample in found}


async def test_overdue_work_is_a_gauge_that_needs_no_scheduler(port: int, redis: Redis, team: Team) -> None:
    nothing = await overdue(port)
    await redis.zadd(f"{team.prefix}due", {"1:1": (time.time() - 75) * 1000})
    await redis.zadd(f"{team.prefix}crons", {"1:1": (time.time() - 500) * 1000})

    late = await overdue(port)

    assert nothing == {"job": 0, "cron": 0}
    assert 74 < late["job"] < 85
    assert 499 < late["cron"] < 510


async def test_who_lives_is_a_gauge_that_needs_none_of_them(port: int, redis: Redis) -> None:
    nobody = await gauge(port, "recuro_processes_alive", "service")
    await health.beat(redis, "worker")

    one = await gauge(port, "recuro_processes_alive", "service")

    assert nobody == {"worker": 0, "scheduler": 0}
    assert one == {"worker": 1, "scheduler": 0}


async def test_what_redis_does_not_say_is_no_number(port: int, redis: Redis, team: Team) -> None:
    await redis.set(f"{team.prefix}due", "no list")

    late = await overdue(port)

    assert math.isnan(late["job"])


async def test_a_scraper_has_the_bounds_of_a_stranger(port: int) -> None:
    async with wire_to(port) as wire:
        await wire.send(HALF + b"a" * 65_536)
        answer = await wire.answer()

    assert answer.status == 431


def test_a_taken_port_of_the_metrics_ends_nothing(server: EmbeddedServer, port: int) -> None:
    settings = Settings(redis_url=server.url, api_port=0, metrics_port=port)

    with capture_logs() as logged, serving(settings) as api:
        status = httpx.get(f"{api}/healthz", trust_env=False).status_code

    assert status == 200
    told = [line for line in logged if line["event"] == "metrics_unavailable"]
    assert [line["where"] for line in told] == [f"127.0.0.1:{port}"]
    assert "RECURO_METRICS_PORT" in told[0]["remedy"]
