"""Past fires of a cron made while schedulers die."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.stage import Scene, Stage, playing
from tests.poll import until

PATH = "/cron"


async def backfill_survives_killed_schedulers(scene: Scene) -> None:
    """Some hundred moments are made under kill -9 of schedulers at random: each exactly once, none is lost."""
    moments = 100 if scene.is_small else 240
    async with playing(scene) as stage:
        stage.target.answer(PATH, 200, delay=0.3)  # so that it cannot end before the first kill
        cron = _paused_cron(stage)
        last = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=5)
        first = last - timedelta(minutes=moments - 1)
        asked = {"from": first.isoformat(), "to": last.isoformat(), "max_parallelism": 8}
        answer = stage.installation.client.post(f"/api/crons/{cron}/backfill", json=asked)
        assert answer.status_code in (200, 201, 202), answer.text
        backfill = answer.json()["id"]

        while not (shown := _shown(stage, backfill))["ended_at"]:
            seen = stage.arrived(PATH)
            stage.kill(stage.installation.of("scheduler")[0])
            stage.installation.start("scheduler")
            await _moves_on(stage, backfill, seen + scene.rng.randint(moments // 8, moments // 2))
        await stage.settle()

        fired = [one.headers["Recuro-Scheduled-At"] for one in stage.target.received if one.path == PATH]
        times = Counter(datetime.fromisoformat(moment) for moment in fired)
        stage.story.figures |= {"moments": len(times), "kills": len(stage.story.faults)}
        assert stage.story.faults, "it ended before anything died"
        assert times == Counter(first + timedelta(minutes=number) for number in range(moments))
        assert (shown["status"], shown["made"]) == ("finished", moments), shown


def _paused_cron(stage: Stage) -> int:
    """Of every minute; only the backfill fires it."""
    cron = {"name": PATH, "url": stage.url(PATH), "cron_expression": "* * * * *", "is_active": False}
    answer = stage.installation.client.post("/api/crons", json=cron)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def _shown(stage: Stage, backfill: int) -> dict[str, Any]:
    shown: dict[str, Any] = stage.installation.client.get(f"/api/backfills/{backfill}").json()
    return shown


async def _moves_on(stage: Stage, backfill: int, requests: int) -> None:
    """Until the target has so many requests, or the backfill has ended."""

    async def moved() -> bool:
        await asyncio.sleep(0.1)  # a poller, slower than usual
        return stage.arrived(PATH) >= requests or bool(_shown(stage, backfill)["ended_at"])

    await until(moved, 120)


BOUNDED = (backfill_survives_killed_schedulers,)
LONG = ()
