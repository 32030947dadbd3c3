"""What waits left behind is looked through while nobody is being answered."""

import gc

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from shared.runtime import garbage
from shared.runtime.waiting import waits
from tests.api.work.test_waiting import LONG, answered, asked, end, everybody_left
from tests.poll import until
from tests.writes import JOB

__all__ = ["everybody_left"]


async def test_the_collector_looks_soon_after_a_wait_began(
    client: AsyncClient, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waits, "CALM_SECONDS", 0.01)
    monkeypatch.setattr(garbage, "EARLY_OBJECTS", 0)
    await client.post("/api/jobs", json=JOB)
    looks: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        looks.append(info["generation"])

    gc.disable()
    gc.callbacks.append(note)
    try:
        task = asked(client, f"/api/jobs/1?wait={LONG}")

        async def looked() -> bool:
            return bool(looks)

        await until(looked)
    finally:
        gc.callbacks.remove(note)
        gc.enable()
    await end(redis)

    assert (await answered(task)).status_code == 200
    assert set(looks) == {0}
