"""Dead letters sent again while schedulers die."""

import asyncio
import json
from collections import Counter
from typing import Any

from tests.faults.parts.installation import Options
from tests.faults.stage import Scene, Stage, playing
from tests.poll import until


async def redrive_survives_killed_schedulers(scene: Scene) -> None:
    """A dry run, then one first and the others changed, under kill -9: as planned, each exactly once."""
    jobs = 300 if scene.is_small else 10_000
    rate = 100 if scene.is_small else 400
    async with playing(scene, Options(concurrency=64)) as stage:
        await _dead(stage, jobs)
        before = len(stage.target.received)
        asked: dict[str, Any] = {"all": True, "rate": rate, "change": {"headers": {"X-Redrive": "1"}}}
        plan = _replay(stage, {**asked, "dry_run": True})["plan"]
        wanted = {**asked, "send_one_first": True, "expected_count": plan["selected"]}
        replay = _replay(stage, wanted)

        while not (shown := _shown(stage, replay["id"]))["ended_at"]:
            seen = len(stage.target.received)
            stage.kill(stage.installation.of("scheduler")[0])
            stage.installation.start("scheduler")
            await _moves_on(stage, replay["id"], seen + scene.rng.randint(rate // 4, 3 * rate))
        await stage.settle(120)

        again = stage.target.received[before:]
        seen_numbers = Counter(json.loads(request.body)["n"] for request in again)
        stage.story.figures |= {"planned": plan["would_replay"], "replayed": shown["replayed"]}
        stage.story.figures["kills"] = len(stage.story.faults)
        assert plan["would_replay"] == plan["selected"] == jobs, plan
        assert (shown["state"], shown["replayed"], shown["skipped"]) == ("finished", jobs, 0), shown
        assert seen_numbers == Counter(range(jobs)), "not each exactly once"
        assert {request.headers.get("X-Redrive") for request in again} == {"1"}


async def first_one_fails(scene: Scene) -> None:
    """A replay that sends one first stops after exactly one request, though its scheduler is killed."""
    jobs = 50 if scene.is_small else 1000
    async with playing(scene) as stage:
        await _dead(stage, jobs)
        stage.target.answer("/work", 500, delay=1.0)
        before = len(stage.target.received)
        replay = _replay(stage, {"all": True, "rate": 1000, "send_one_first": True})
        await stage.arrives(before + 1)
        stage.kill(stage.installation.of("scheduler")[0])
        stage.installation.start("scheduler")

        await until(lambda: _has_ended(stage, replay["id"]), 60)
        await stage.settle()

        shown = _shown(stage, replay["id"])
        assert (shown["state"], shown["reason"], shown["replayed"]) == ("stopped", "first_failed", 1), shown
        assert len(stage.target.received) == before + 1


async def _dead(stage: Stage, jobs: int) -> None:
    """So many dead letters, each with a number, of a target that is well again."""
    stage.queue("work", retry_delays=[])
    stage.target.answer("/work", 500)
    for start in range(0, jobs, 1000):
        numbers = range(start, min(jobs, start + 1000))
        batch = [{"queue": "work", "url": stage.url(), "payload": {"n": number}} for number in numbers]
        answer = stage.installation.client.post("/api/jobs/batch", json={"jobs": batch})
        stage.created.update(result["job_id"] for result in answer.json()["results"])
    await stage.settle(120)
    stage.target.answer("/work", 200)


def _replay(stage: Stage, asked: dict[str, Any]) -> dict[str, Any]:
    answer = stage.installation.client.post("/api/dead-letters/replay", json=asked)
    assert answer.status_code in (200, 202), answer.text
    made: dict[str, Any] = answer.json()
    return made


def _shown(stage: Stage, replay: int) -> dict[str, Any]:
    shown: dict[str, Any] = stage.installation.client.get(f"/api/dead-letters/replays/{replay}").json()
    return shown


async def _has_ended(stage: Stage, replay: int) -> bool:
    await asyncio.sleep(0.2)  # a poller, slower than usual
    return bool(_shown(stage, replay)["ended_at"])


async def _moves_on(stage: Stage, replay: int, requests: int) -> None:
    """Until the target has so many more requests, or the replay has ended."""

    async def moved() -> bool:
        return len(stage.target.received) >= requests or await _has_ended(stage, replay)

    await until(moved, 120)


BOUNDED = (first_one_fails,)
LONG = (redrive_survives_killed_schedulers,)
