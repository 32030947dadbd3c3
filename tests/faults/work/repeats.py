"""A receiver that deduplicates, through all faults that make requests and ids come again."""

import asyncio
import shutil
from collections.abc import Sequence

from shared.store import connection
from tests.faults.parts import account
from tests.faults.parts.installation import FaultInstallation, Options
from tests.faults.parts.receivers import Receiver
from tests.faults.stage import TEAM, Scene, Stage, playing
from tests.poll import until

KEY = {"RECURO_ENCRYPTION_KEY": "the-key-of-a-fault-row-0123456789-abcdef"}
SERVICES = ("api", "scheduler", "worker", "worker")
OPTIONS = Options(services=SERVICES, environments={service: KEY for service in SERVICES})
PARTS, BATCH = 5, 500
SETTLE_SECONDS = 120.0


async def once_by_idempotency_key(scene: Scene) -> None:
    """Each job's work is done once, and no work is dropped as a repeat, by `Idempotency-Key`."""
    await _once(scene, "Idempotency-Key")


async def once_by_webhook_id(scene: Scene) -> None:
    """The same by `webhook-id`, for a team that signs."""
    await _once(scene, "webhook-id")


async def _once(scene: Scene, header: str) -> None:
    part = (500 if scene.is_small else 5000) // PARTS
    async with playing(scene, OPTIONS) as stage:
        elsewhere = scene.folder / "second"
        with Receiver(header, scene.rng) as receiver, FaultInstallation(elsewhere, OPTIONS) as second:
            for installation in (stage.installation, second):
                _prepare(installation)
            work = _created(second, receiver, "second", part)
            work += _created(stage.installation, receiver, "killed", part)
            await _workers_die(stage, receiver)
            await _settle(stage.installation)
            work += await _through_a_restore(stage, receiver, part)
            await _replayed(second, receiver)
        _check(stage, receiver, work)


async def _through_a_restore(stage: Stage, receiver: Receiver, part: int) -> list[str]:
    """Go on from a copy twice: its work comes again, and so do the ids of everything made after it."""
    work, before = _created(stage.installation, receiver, "copied", part), receiver.arrivals.total()
    await _arrives(receiver, before + part // 3)
    data, copy = stage.installation.folder / "redis", stage.scene.folder / "copy"
    with stage.story.during("Redis stopped for a copy of its data", repeats=True):
        stage.installation.server.stop()
        shutil.copytree(data / "appendonlydir", copy)
        stage.installation.start_redis()
    work += _created(stage.installation, receiver, "after the copy", part)
    await _workers_die(stage, receiver)
    await _replayed(stage.installation, receiver)
    with stage.story.during("the copy put back", repeats=True):
        stage.installation.server.stop()
        shutil.rmtree(data / "appendonlydir")
        shutil.copytree(copy, data / "appendonlydir")
        stage.installation.start_redis()
    work += _created(stage.installation, receiver, "after the restore", part)
    await _replayed(stage.installation, receiver)
    return work


def _prepare(installation: FaultInstallation) -> None:
    """Set short retry delays, and sign requests."""
    queue = installation.client.post("/api/queues", json={"name": "work", "retry_delays": [1, 2]})
    assert queue.status_code == 201, queue.text
    signing = installation.client.post("/api/settings/signing")
    assert signing.status_code == 201, signing.text


def _created(installation: FaultInstallation, receiver: Receiver, name: str, jobs: int) -> list[str]:
    """Create so many jobs, each with its own work; every fifth has a key given by its caller."""
    work = [f"{name} {number}" for number in range(jobs)]
    bodies = [
        {"queue": "work", "url": f"{receiver.url}/work", "payload": {"work": one}, "headers": _own_key(one)}
        for one in work
    ]
    for start in range(0, jobs, BATCH):
        batch = bodies[start : start + BATCH]
        answer = installation.client.post("/api/jobs/batch", json={"jobs": batch})
        assert answer.status_code == 200, answer.text
        assert all("job_id" in result for result in answer.json()["results"]), answer.text[:500]
    return work


def _own_key(work: str) -> dict[str, str]:
    return {"Idempotency-Key": f"own-key-of-{work.replace(' ', '-')}"} if work.endswith(("0", "5")) else {}


async def _workers_die(stage: Stage, receiver: Receiver) -> None:
    """Twice, with requests in flight."""
    for _ in range(2):
        await _arrives(receiver, receiver.arrivals.total() + 20)
        stage.kill(stage.installation.of("worker")[0])
        stage.installation.start("worker")


async def _replayed(installation: FaultInstallation, receiver: Receiver) -> None:
    """Heal the receiver and replay until no dead letter is left; then restore the receiver."""
    await _settle(installation)
    receiver.is_healed = True
    while _dead_letters(installation):
        answer = installation.client.post("/api/dead-letters/replay", json={"all": True, "rate": 500})
        assert answer.status_code == 202, answer.text
        path = f"/api/dead-letters/replays/{answer.json()['id']}"

        async def ended(path: str = path) -> bool:
            await asyncio.sleep(0.2)  # a poller, slower than usual
            return bool(installation.client.get(path).json()["ended_at"])

        await until(ended, SETTLE_SECONDS)
        await _settle(installation)
    receiver.is_healed = False


def _dead_letters(installation: FaultInstallation) -> int:
    return int(installation.client.get("/api/dead-letters").json()["total"])


async def _settle(installation: FaultInstallation) -> None:
    async with connection.connect(installation.settings) as redis:
        await account.all_ended(redis, TEAM, SETTLE_SECONDS)


async def _arrives(receiver: Receiver, arrivals: int) -> None:
    async def there() -> bool:
        return receiver.arrivals.total() >= arrivals

    await until(there, SETTLE_SECONDS)


def _check(stage: Stage, receiver: Receiver, work: Sequence[str]) -> None:
    twice = [one for one in work if receiver.done[one] > 1]
    never = [one for one in work if receiver.done[one] == 0]
    stage.story.figures |= {
        "jobs": len(work),
        "arrivals": receiver.arrivals.total(),
        "repeats left alone": receiver.repeats,
        "done twice": len(twice),
        "never done": len(never),
        "new work dropped": len(receiver.dropped),
        "without the header": receiver.nameless,
    }
    own = {key: one for one in work for key in _own_key(one).values()}
    unused = [key for key, one in own.items() if receiver.work_of.get(key) != one]
    wrong = {
        "twice": twice[:3],
        "never": never[:3],
        "dropped": receiver.dropped[:3],
        "unused keys": unused[:3],
    }
    assert not any((*wrong.values(), receiver.nameless)), f"{stage.story.figures}; {wrong}"


BOUNDED = ()
LONG = (once_by_idempotency_key, once_by_webhook_id)
