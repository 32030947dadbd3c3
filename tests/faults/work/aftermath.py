"""What follows a run: callbacks, and replays of dead letters."""

import asyncio
import json
from collections import Counter
from typing import Any

from shared.store.keyspace import Team
from tests.faults.parts.installation import Options
from tests.faults.stage import TEAM, Scene, Stage, playing
from tests.poll import until

CALLBACKS = "/callback"
UNCHANGED = 0.9
"""The least share of the job rate that remains with callbacks to a target that hangs."""


async def callbacks_sent_once(scene: Scene) -> None:
    """Without faults every job and every execution has exactly one callback."""
    jobs = 200 if scene.is_small else 2000
    async with playing(scene) as stage:
        ids = stage.create(jobs, callback_url=stage.url(CALLBACKS))
        cron = {"name": "tick", "url": stage.url("/tick"), "cron_expression": "* * * * * *"}
        made = stage.installation.client.post(
            "/api/crons", json={**cron, "callback_url": stage.url(CALLBACKS)}
        )
        assert made.status_code == 201, made.text
        await stage.arrives(5, "/tick")
        stage.stop_crons()
        await stage.settle()
        await _outbox_is_empty(stage)
        sent = Counter(
            _subject_of(request.body) for request in stage.target.received if request.path == CALLBACKS
        )
        fired = (await stage.counts("execution")).completed
        wanted = {("job", job) for job in ids} | {("execution", number + 1) for number in range(fired)}
        stage.story.figures |= {"callbacks": sent.total(), "fired": fired}
        assert set(sent) == wanted
        assert set(sent.values()) == {1}


async def callback_target_hangs(scene: Scene) -> None:
    """Jobs are as fast as before, and their callbacks end as visible failures."""
    jobs = 600 if scene.is_small else 3000
    async with playing(scene, Options(concurrency=16)) as stage:
        stage.target.answer("/work", 200, delay=0.05)
        stage.target.answer(CALLBACKS, 200, delay=40)  # longer than the worker waits for a callback
        before = await _jobs_a_second(stage, jobs)
        after = await _jobs_a_second(stage, jobs, callback_url=stage.url(CALLBACKS))
        again = await _jobs_a_second(stage, jobs)
        stage.story.figures |= {"jobs a second": round(before), "with callbacks that hang": round(after)}
        stage.story.figures["without again"] = round(again)
        shown = stage.installation.client.get("/api/jobs?filter=completed&per_page=100").json()["data"]
        assert {job["final_status"] for job in shown} == {"success"}
        await stage.settle()
        assert after > UNCHANGED * min(before, again), f"{after:.0f} jobs a second instead of {before:.0f}"


async def _jobs_a_second(stage: Stage, jobs: int, **fields: Any) -> float:
    arrived = stage.arrived()
    began = stage.story.now
    stage.create(jobs, **fields)
    await stage.arrives(arrived + jobs, seconds=240)
    return jobs / (stage.story.now - began)


async def replay_stops_and_goes_on(scene: Scene) -> None:
    """A replay stops by itself while the target fails, and one at 200 a second then sends each job once."""
    jobs = 400 if scene.is_small else 10_000
    async with playing(scene, Options(concurrency=64)) as stage:
        stage.queue("work", retry_delays=[])
        stage.target.answer("/work", 500)
        _create_numbered(stage, jobs)
        await stage.settle(120)
        stopped = await _replayed(stage, {"rate": 50, "stop_after_failures": 20})
        await stage.settle()
        stage.story.figures |= {"replayed until it stopped": stopped["replayed"], "failed": stopped["failed"]}
        assert stopped["state"] == "stopped", stopped
        assert 20 <= stopped["replayed"] <= 320, stopped  # one second beyond, five on a busy machine

        healed = len(stage.target.received)
        stage.target.answer("/work", 200)
        began = stage.story.now
        finished = await _replayed(stage, {"rate": 200, "stop_after_failures": 20})
        await stage.settle()
        took = stage.story.now - began
        stage.story.figures |= {"replayed after": finished["replayed"], "a second": round(jobs / took)}
        seen = Counter(json.loads(request.body)["n"] for request in stage.target.received[healed:])
        assert (finished["state"], finished["total"]) == ("finished", jobs), finished
        assert seen == Counter(range(jobs)), "not each job once"
        assert took > 0.9 * jobs / 200, "faster than was asked for"


def _create_numbered(stage: Stage, jobs: int) -> None:
    for start in range(0, jobs, 1000):
        batch = [
            {"queue": "work", "url": stage.url(), "payload": {"n": number}}
            for number in range(start, min(jobs, start + 1000))
        ]
        answer = stage.installation.client.post("/api/jobs/batch", json={"jobs": batch})
        stage.created.update(result["job_id"] for result in answer.json()["results"])


async def _replayed(stage: Stage, bounds: dict[str, int]) -> dict[str, Any]:
    """A replay of all dead letters, once it has ended."""
    replay = stage.installation.client.post("/api/dead-letters/replay", json={"all": True, **bounds}).json()

    async def ended() -> dict[str, Any] | None:
        await asyncio.sleep(0.2)  # a poller, slower than usual
        path = f"/api/dead-letters/replays/{replay['id']}"
        shown: dict[str, Any] = stage.installation.client.get(path).json()
        return shown if shown["ended_at"] else None

    found = await until(ended, 240)
    assert found is not None
    return found


def _subject_of(body: bytes) -> tuple[str, int]:
    said = json.loads(body)
    return ("execution" if said["event"].startswith("cron.") else "job", said["id"])


async def _outbox_is_empty(stage: Stage, team: Team = TEAM) -> None:
    async def empty() -> bool:
        return int(await stage.redis.xlen(f"{team.prefix}s:{team.id}:outbox")) == 0

    await until(empty, 60)


BOUNDED = (callbacks_sent_once, replay_stops_and_goes_on)
LONG = (callback_target_hangs,)
