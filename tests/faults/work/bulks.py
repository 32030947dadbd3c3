"""Many crons changed and run in the background while schedulers die."""

import asyncio
from collections import Counter
from typing import Any

from pydantic_core import from_json

from shared.actions import crons
from shared.schemas.crons import CronCreate
from tests.calls import call_of
from tests.faults.parts.installation import Options
from tests.faults.stage import TEAM, Scene, Stage, playing
from tests.poll import until

KILLS = 5
_SIDE_BY_SIDE = 32


async def bulk_change_survives_killed_schedulers(scene: Scene) -> None:
    """Crons by the thousand are changed under kill -9 of schedulers: each once, and all are counted."""
    count = 1_200 if scene.is_small else 10_000
    async with playing(scene) as stage:
        ids = await _crons(stage, count)

        bulk = _begin(stage, {"change": {"timeout_seconds": 9}, "q": "name:many", "expected_count": count})
        shown = await _under_kills(stage, bulk, count)

        wrong = {}
        for one in ids:
            version, spec = await stage.redis.hmget(f"{TEAM.prefix}c:{TEAM.id}:{one}", ["version", "spec"])  # type: ignore[misc]
            if version != "2" or from_json(spec)["timeout_seconds"] != 9:
                wrong[one] = (version, spec)
        assert not wrong, f"{len(wrong)} crons were not changed once: {[*wrong.items()][:3]}"
        assert (shown["state"], shown["done"], shown["remaining"]) == ("completed", count, 0), shown
        await stage.settle()


async def bulk_run_survives_killed_schedulers(scene: Scene) -> None:
    """Crons are run by hand under kill -9 of schedulers: each has one more execution, and one request."""
    count = 1_100
    async with playing(scene, Options(concurrency=64)) as stage:
        ids = await _crons(stage, count)

        bulk = _begin(stage, {"action": "run", "ids": ids})
        shown = await _under_kills(stage, bulk, count)
        await stage.settle(120)

        executions = await stage.redis.zrange(f"{TEAM.prefix}x:{TEAM.id}:executions", 0, -1)
        of = Counter(
            [await stage.redis.hget(f"{TEAM.prefix}e:{TEAM.id}:{one}", "cron") for one in executions]  # type: ignore[misc]
        )
        assert (shown["state"], shown["done"]) == ("completed", count), shown
        assert of == Counter(map(str, ids)), "not each cron has one execution"
        assert stage.arrived("/many") == count


async def _crons(stage: Stage, count: int) -> list[int]:
    """So many, which do not fire by themselves."""
    call = call_of(stage.redis, TEAM)
    asked = {"name": "many", "url": stage.url("/many"), "cron_expression": "0 0 1 1 *"}
    cron, ids = CronCreate.model_validate(asked), list[int]()
    for start in range(0, count, _SIDE_BY_SIDE):
        some = range(start, min(count, start + _SIDE_BY_SIDE))
        ids += [made.id for made in await asyncio.gather(*(crons.create(call, cron) for _ in some))]
    return ids


def _begin(stage: Stage, asked: dict[str, Any]) -> str:
    answer = stage.installation.client.post("/api/crons/bulk", json=asked, timeout=120)
    assert answer.status_code == 202, answer.text
    return answer.headers["location"]


async def _under_kills(stage: Stage, bulk: str, count: int) -> dict[str, Any]:
    """What became of it, after its scheduler was killed several times on the way."""
    began = stage.story.now
    for at in sorted(stage.scene.rng.sample(range(count // 20, count * 19 // 20), KILLS)):
        await until(lambda at=at: _is_at(stage, bulk, at), 180)  # type: ignore[misc]
        stage.kill(stage.installation.of("scheduler")[0])
        stage.installation.start("scheduler")
    await until(lambda: _has_ended(stage, bulk), 300)
    stage.story.figures |= {"seconds": round(stage.story.now - began), "kills": KILLS}
    return _shown(stage, bulk)


async def _is_at(stage: Stage, bulk: str, count: int) -> bool:
    shown = _shown(stage, bulk)
    return bool(shown["ended_at"]) or shown["done"] >= count


async def _has_ended(stage: Stage, bulk: str) -> bool:
    """The step after the last change ends it: until then all is done, and it runs."""
    return bool(_shown(stage, bulk)["ended_at"])


def _shown(stage: Stage, bulk: str) -> dict[str, Any]:
    shown: dict[str, Any] = stage.installation.client.get(bulk).json()
    return shown


BOUNDED = ()
LONG = (bulk_change_survives_killed_schedulers, bulk_run_survives_killed_schedulers)
