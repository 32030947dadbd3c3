"""Redis is there but refuses writes: callers get an error, and running work ends."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.faults.parts.installation import Options
from tests.faults.stage import Scene, Stage, playing
from tests.faults.story import Skipped
from tests.installation import free_port

DISK_MEGABYTES = 8
LASTING_SECONDS = 3.0
LEAST_MEMORY = "65536"
"""Bytes, less than an empty Redis takes: at a bound near what it uses, small writes pass now and then."""


@asynccontextmanager
async def _configured(stage: Stage, name: str, value: str) -> AsyncIterator[None]:
    """CONFIG SET while the block runs."""
    before = (await stage.redis.config_get(name))[name]
    with stage.story.during(f"CONFIG SET {name} {value}"):
        await stage.redis.config_set(name, value)
        try:
            yield
        finally:
            await stage.redis.config_set(name, before)


async def _refused(stage: Stage) -> None:
    """A new job gets a 503 with Retry-After, and readiness fails."""

    async def is_refused() -> bool:
        job = {"queue": "work", "url": stage.url(), "payload": {"filler": "x" * 4096}}
        answer = stage.installation.client.post("/api/jobs", json=job)
        assert answer.status_code in (201, 503), answer.text
        if answer.status_code == 201:
            stage.created.add(answer.json()["job_id"])
        return answer.status_code == 503 and answer.headers["Retry-After"] == "1"

    await stage.holds(is_refused)
    assert stage.installation.answers("/healthz")
    await stage.holds(lambda: _is_not_ready(stage))


async def _is_not_ready(stage: Stage) -> bool:
    return not stage.installation.answers("/readyz")


async def _is_ready(stage: Stage) -> bool:
    return stage.installation.answers("/readyz")


async def _lasts() -> None:
    """Long enough for every process to notice."""
    await asyncio.sleep(LASTING_SECONDS)


async def _heals(stage: Stage, refuse: Callable[[], Awaitable[None]]) -> None:
    """Apply `refuse` during work, then check that all of it ends."""
    with stage.calling(per_second=20) as callers:
        await callers.gain(20)
        await refuse()
        await stage.holds(lambda: _is_ready(stage))
        await callers.gain(20)
    await stage.settle(90)
    stage.no_process_ended()
    stage.story.figures["refused"] = callers.answers[503]


async def redis_wants_replicas(scene: Scene) -> None:
    """NOREPLICAS on every write."""
    async with playing(scene) as stage:

        async def refuse() -> None:
            async with _configured(stage, "min-replicas-to-write", "1"):
                await _refused(stage)
                await _lasts()

        await _heals(stage, refuse)


async def redis_becomes_a_replica(scene: Scene) -> None:
    """READONLY on every write, as after a failover that left us behind."""
    async with playing(scene) as stage:

        async def refuse() -> None:
            with stage.story.during("REPLICAOF nobody"):
                await stage.redis.replicaof("127.0.0.1", str(free_port()))
                await _refused(stage)
                await _lasts()
                await stage.redis.replicaof("NO", "ONE")

        await _heals(stage, refuse)


async def redis_is_out_of_memory(scene: Scene) -> None:
    """A new job is refused with 503; running work may finish all the same."""
    async with playing(scene) as stage:
        stage.target.answer("/slow", 200, delay=5.0)
        stage.create(8, "/slow")
        await stage.arrives(8, "/slow")
        async with _configured(stage, "maxmemory", LEAST_MEMORY):
            await _refused(stage)

            async def finished() -> bool:
                return (await stage.counts()).completed >= 8

            await stage.holds(finished, 20)
            await _refused(stage)
        await _heals(stage, _nothing)


async def _nothing() -> None:
    pass


async def disk_of_redis_is_full(scene: Scene) -> None:
    """MISCONF on every write until there is room again."""
    with _small_disk(scene.folder / "redis") as disk:
        async with playing(scene, Options()) as stage:

            async def refuse() -> None:
                with stage.story.during("the disk is full"):
                    _fill(disk / "filler")
                    await _refused(stage)
                    await _lasts()
                    (disk / "filler").unlink()

            await _heals(stage, refuse)


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True)
    size = f"size={DISK_MEGABYTES}m"
    argv = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(argv, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise Skipped("there is no mount on this machine") from None
    if mounted.returncode:
        raise Skipped(f"a small disk cannot be mounted: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _fill(path: Path) -> None:
    """Write until there is no room."""
    with path.open("wb", buffering=0) as filler:
        try:
            while True:
                filler.write(bytes(65_536))
        except OSError:
            return


BOUNDED = (redis_is_out_of_memory, redis_becomes_a_replica)
LONG = (redis_wants_replicas, disk_of_redis_is_full)
