"""A harmful team and a harmful target beside a team that only wants its jobs sent."""

import asyncio
import gzip
import itertools
import os
import shutil
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx
from redis.asyncio import Redis

from shared.security import tokens
from shared.store import keyspace
from tests.faults.parts.installation import Options
from tests.faults.parts.names import Names
from tests.faults.stage import OTHER_TEAM, TEAM, Scene, Stage, playing
from tests.faults.story import Skipped
from tests.poll import until
from tests.target import Received

LONGER_SECONDS = 2.0
"""How much longer the quiet team's jobs may wait beside the harmful one than alone, at p99.

On a quiet machine it is a tenth of that; who waits for a silent name or a slow pattern waits for many seconds.
"""
BETWEEN_SECONDS = 0.1
MIB = 1 << 20
HOSTILE_TOKEN = "rc_the-token-of-the-team-that-means-harm"
SLOW_PATTERN = r"(?s)(a.{900}z|b.{900}z|c.{900}z)$"
SILENT = "silent.test"
PAGE = 1000


async def hostile_team(scene: Scene) -> None:
    """Patterns, compressed members, silent names, big bodies, and very many queues and crons."""
    jobs = 60 if scene.is_small else 300
    good = {f"good-{number}.test": [["127.0.0.1"]] for number in range(2 * jobs)}
    with _names(scene.folder, good) as wraps:
        async with playing(scene, Options(concurrency=32, wraps=wraps), teams=(TEAM, OTHER_TEAM)) as stage:
            await tokens.create(stage.redis, team="other", name="x", scopes=("admin",), token=HOSTILE_TOKEN)
            hosts = iter(good)
            stage.queue("quiet", success_assertions=[{"type": "body_matches", "value": "^ok$"}])
            stage.target.answer("/quiet", 200, b"ok")
            alone = await _waits(stage, jobs, hosts)
            async with _harm(stage, 1 if scene.is_small else 5):
                await asyncio.sleep(5)  # the fault: by then it uses all that it can get
                beside = await _waits(stage, jobs, hosts)
            stage.story.figures |= {"p99 alone": _p99(alone), "p99 beside": _p99(beside)}
            times = Counter(one.headers["Recuro-Job-Id"] for one in _quiet(stage))
            assert set(times.values()) == {1}, f"sent more than once: {times.most_common(3)}"
            assert _p99(beside) <= _p99(alone) + LONGER_SECONDS, stage.story.figures
            assert (await stage.counts()).completed == 2 * jobs
            stage.no_process_ended()


@contextmanager
def _names(folder: Path, good: dict[str, list[list[str]]]) -> Iterator[dict[str, tuple[str, ...]]]:
    unshare = shutil.which("unshare")
    if not unshare or os.geteuid() != 0:
        raise Skipped("a resolv.conf for one process needs unshare and root")
    with Names(dict(good), silent=SILENT) as names:
        private = (unshare, "-m", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"')
        yield {"worker": (*private, str(names.resolv_conf(folder)))}


async def _waits(stage: Stage, jobs: int, hosts: Iterator[str]) -> list[float]:
    """Seconds from the answer to a create until the request at the target, for each of so many quiet jobs."""
    created: dict[str, float] = {}
    async with httpx.AsyncClient(
        base_url=stage.installation.api,
        headers=stage.installation.client.headers,
        trust_env=False,
        timeout=30,
    ) as client:
        for host in itertools.islice(hosts, jobs):
            quiet = {"queue": "quiet", "url": f"http://{host}:{stage.target.port}/quiet"}
            answer = await client.post("/api/jobs", json=quiet)
            assert answer.status_code == 201, answer.text
            created[str(answer.json()["job_id"])] = time.monotonic()
            stage.created.add(answer.json()["job_id"])
            await asyncio.sleep(BETWEEN_SECONDS)  # the pace of the quiet team

    async def there() -> bool:
        return created.keys() <= {one.headers["Recuro-Job-Id"] for one in _quiet(stage)}

    await until(there, 90)
    await until(lambda: _is_done(stage), 60)
    return [
        max(0.0, one.at - created[job])
        for one in _quiet(stage)
        if (job := one.headers["Recuro-Job-Id"]) in created
    ]


async def _is_done(stage: Stage) -> bool:
    counts = await stage.counts()
    return counts.pending == counts.processing == 0


def _quiet(stage: Stage) -> list[Received]:
    return [one for one in list(stage.target.received) if one.path == "/quiet"]


def _p99(waits: Sequence[float]) -> float:
    return round(sorted(waits)[int(len(waits) * 0.99) - 1], 3)


@asynccontextmanager
async def _harm(stage: Stage, heaviness: int) -> AsyncIterator[None]:
    """All of it at once, and more of it while the block runs."""
    members = gzip.compress(b"") * (MIB // 20)
    stage.target.answer("/ab", 200, b"ab" * (MIB // 2))
    stage.target.answer("/members", 200, members, content_encoding="gzip")
    stage.target.answer("/big", 200, b"x" * (3 * MIB))
    async with httpx.AsyncClient(
        base_url=stage.installation.api,
        headers={"Authorization": f"Bearer {HOSTILE_TOKEN}"},
        trust_env=False,
        timeout=60,
    ) as client:
        await _make_queue(client, "patterns", {"type": "body_matches", "value": SLOW_PATTERN})
        await _make_queue(client, "members", {"type": "body_contains", "value": "x"})
        await _spoil_crons(stage, client, 2_000 if heaviness == 1 else 100_000)
        await _fill_queues(stage, client, 300 if heaviness == 1 else 10_000)
        task = asyncio.create_task(_keep_asking(stage, client))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
    if not task.cancelled():
        task.result()


async def _make_queue(client: httpx.AsyncClient, name: str, assertion: dict[str, str]) -> None:
    answer = await client.post("/api/queues", json={"name": name, "success_assertions": [assertion]})
    assert answer.status_code == 201, answer.text


async def _keep_asking(stage: Stage, client: httpx.AsyncClient) -> None:
    """Each second ten of each kind, and twenty names whose DNS is silent."""
    for number in itertools.count():
        jobs = [
            *({"queue": "patterns", "url": stage.url("/ab")} for _ in range(10)),
            *({"queue": "members", "url": stage.url("/members")} for _ in range(10)),
            *({"queue": "names", "url": f"http://n{number}-{one}.{SILENT}/"} for one in range(20)),
        ]
        large = {"queue": "big", "url": stage.url("/big"), "body": "y" * 1_000_000}
        answers = [await client.post("/api/jobs", json=large) for _ in range(2)]
        answers.append(await client.post("/api/jobs/batch", json={"jobs": jobs}))
        assert [answer.status_code for answer in answers] == [201, 201, 200], answers
        stage.story.figures["hostile jobs"] = (number + 1) * len(jobs)
        await asyncio.sleep(1)  # the pace of the hostile team


async def _fill_queues(stage: Stage, client: httpx.AsyncClient, queues: int) -> None:
    for start in range(0, queues, PAGE):
        jobs = [
            {"queue": f"q{number}", "url": stage.url("/many")}
            for number in range(start, min(start + PAGE, queues))
        ]
        answer = await client.post("/api/jobs/batch", json={"jobs": jobs})
        assert answer.status_code == 200, answer.text
    stage.story.figures["queues"] = queues


async def _spoil_crons(stage: Stage, client: httpx.AsyncClient, crons: int) -> None:
    """Make one cron, and copy its record with an invalid expression, due now."""
    cron = {"name": "x", "url": stage.url("/cron"), "cron_expression": "0 0 1 1 *"}
    answer = await client.post("/api/crons", json=cron)
    assert answer.status_code == 201, answer.text
    made = answer.json()["id"]
    prefix = OTHER_TEAM.prefix
    record = await stage.redis.hgetall(f"{prefix}c:{OTHER_TEAM.id}:{made}")  # type: ignore[misc]
    seconds, _ = await stage.redis.time()
    spoiled = {**record, "expression": "none at all", "next": str(seconds * 1000)}
    for start in range(0, crons, PAGE):
        await _copy(stage.redis, spoiled, range(made + 1 + start, made + 1 + min(start + PAGE, crons)))
    stage.story.figures["spoiled crons"] = crons


async def _copy(redis: Redis, record: dict[str, str], ids: Sequence[int]) -> None:
    pipeline = redis.pipeline(transaction=False)
    for number in ids:
        pipeline.hset(f"{OTHER_TEAM.prefix}c:{OTHER_TEAM.id}:{number}", mapping=dict(record))
    members = {f"{OTHER_TEAM.id}:{number}": float(record["next"]) for number in ids}
    pipeline.zadd(keyspace.crons(OTHER_TEAM.shard), dict(members))
    await pipeline.execute()


BOUNDED = (hostile_team,)
LONG: tuple[Callable[[Scene], Awaitable[None]], ...] = ()
