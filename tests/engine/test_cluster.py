"""The engine on Redis Cluster: three real servers, and a shard on each."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.worker.intake.claims import RECORDED, Claims
from services.worker.work import Complete, Execution, Result
from shared.actions import crons, executions, jobs
from shared.schemas.crons import CronCreate, ExecutionQuery
from shared.schemas.jobs import JobCreate
from shared.store import transitions
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.cluster import NODES, node_of, running_cluster

NOW = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
FIVE = timedelta(minutes=5)
RUN = json.dumps({"response_status": 200, "started_at": NOW_MS, "executed_at": NOW_MS})
SHARDS = sorted({node_of(f"s{number}"): f"s{number}" for number in range(50)}.values())
"""One on each server."""
assert len(SHARDS) == NODES


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[Redis]:
    async with running_cluster(tmp_path) as client:
        yield cast(Redis, client)  # it has the commands that we use


async def one_job(redis: Redis, team: Team) -> int:
    return (
        await jobs.create(call_of(redis, team), JobCreate(queue="mail", url="https://a.example/"), NOW_MS)
    ).id


async def test_a_shard_on_each_server_creates_claims_finishes_and_fires(redis: Redis) -> None:
    teams = [Team(1, shard) for shard in SHARDS]
    asked = CronCreate(name="ping", url="https://a.example/", cron_expression="*/5 * * * *")

    for team in teams:
        job_id = await one_job(redis, team)
        cron = await crons.create(call_of(redis, team), asked, NOW)
        worker = Claims(redis, team.shard, "a-worker")
        (work,) = await worker.claim(1, NOW_MS)
        await fire_due(redis, team.shard, NOW + FIVE)
        answers, claimed = await worker.finish_and_claim([Result(work, Complete(), RUN)], 5)

        assert answers == [RECORDED]
        (fire,) = claimed or []
        assert isinstance(fire, Execution)
        assert fire.cron == str(cron.id)
        assert (await jobs.get(redis, team, job_id)).status == "completed"
        page = await executions.page(redis, team, cron.id, ExecutionQuery())
        assert [execution.scheduled_at for execution in page.data] == [NOW + FIVE]


async def test_servers_that_lost_the_library_get_it_again(redis: Redis) -> None:
    teams = [Team(1, shard) for shard in SHARDS]
    ids = [await one_job(redis, team) for team in teams]
    await redis.function_flush("SYNC")  # type: ignore[misc]

    workers = [Claims(redis, team.shard, "a-worker") for team in teams]
    claims = [(await worker.finish_and_claim([], 1))[1] or [] for worker in workers]

    assert [work.id for claim in claims for work in claim] == ids


async def test_one_pipeline_takes_calls_of_all_shards(redis: Redis) -> None:
    teams = [Team(1, shard) for shard in SHARDS]
    ids = [await one_job(redis, team) for team in teams]
    pipeline = redis.pipeline(transaction=False)

    for team in teams:
        pipeline.execute_command(*transitions.claim_command(team.shard, consumer="a-worker", places=1))
        pipeline.execute_command(*transitions.finish_command(team.shard, [], consumer="a-worker"))
    answers = await pipeline.execute()

    claims = [transitions.Claimed(*answer) for answer in answers[::2]]
    assert [int(claim.works[0][3]) for claim in claims] == ids
    assert answers[1::2] == [[]] * NODES
