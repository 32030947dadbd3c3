"""What is damaged of one team, or of what all share, stops no other team, ends no loop and is named by the doctor."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from services.cli import doctor
from services.scheduler import (
    fire,
    forget,
    pace,
    patrol,
    promote,
    prune,
    reckon,
    renew,
    replay,
    rescue,
    retire,
    sound,
)
from services.scheduler.memory import weigh
from services.scheduler.watch import Watch
from services.worker.deliveries import Deliveries
from services.worker.work import Complete, Result
from shared import crons, damage, executions, jobs, keyspace, ledger, moments, transitions
from shared.errors import Damaged
from shared.keyspace import Team
from shared.schemas.alerts import AlertType
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate, JobStatus
from shared.settings import Settings
from shared.shortage import Shortage
from tests.calls import call_of
from tests.damages import DAMAGES, P
from tests.damages import Damage as Doing

SHARD = keyspace.SHARDS[0]
ONE, TWO = Team(1), Team(2)
JOB = JobCreate(queue="mail", url="https://a.example/")
CRON = CronCreate(name="tick", url="https://a.example/", cron_expression="* * * * * *")


async def begin(redis: Redis, team: Team) -> None:
    """A job that waits, one that is done, one that is put off, and a cron that has fired."""
    await jobs.create(call_of(redis, team), JOB)
    await jobs.create(call_of(redis, team), JOB)
    await jobs.create(call_of(redis, team), JOB.model_copy(update={"delay": 3600}))
    cron = await crons.create(call_of(redis, team), CRON)
    await executions.create(call_of(redis, team), cron.id)


async def pass_of_everything(redis: Redis, settings: Settings, worker: Deliveries) -> list[int]:
    """What a scheduler and a worker do in a while; the ids of team 2's jobs that were done."""
    await transitions.mend_shard(redis, SHARD)
    await sound.mend_teams(redis, SHARD)
    watch = Watch(redis, SHARD)
    if (believed := await watch.look()) is not None:
        await watch.vouch(believed)
    now = await moments.now(redis, SHARD)
    await redis.set(keyspace.trusted_until(SHARD), round((now.timestamp() + 60) * 1000))
    await promote.promote_due(redis, SHARD)
    await fire.fire_due(redis, SHARD, now + timedelta(seconds=2))
    await reckon.reckon_due(redis, SHARD)
    await reckon.reckon(redis, SHARD)
    await renew.renew(redis, SHARD)
    await weigh(redis, SHARD, Shortage.NO_BODIES)
    await forget.forget(redis, SHARD)
    await patrol.patrol(redis, SHARD)
    await patrol.tidy(redis, SHARD)
    if await retire.may_retire(redis, SHARD):
        await retire.retire(redis, SHARD, settings)
    await prune.prune(redis, SHARD)
    await replay.step(redis, SHARD)
    await rescue.rescue(redis, SHARD, await rescue.held_in(redis, SHARD))
    works = await worker.claim(50)
    await worker.beat(works)
    answers = await worker.finish([Result(work, Complete(), "[1,200,1,1]") for work in works])
    assert len(answers) == len(works)
    return [work.id for work in works if work.team == TWO.id and work.kind == "j"]


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "LONGEST_SECONDS", 0.0)
    monkeypatch.setattr(retire, "PAUSE_SECONDS", 0.0)


@pytest.mark.parametrize("doing", DAMAGES, ids=str)
async def test_the_other_team_is_served_and_the_doctor_names_it(
    redis: Redis, settings: Settings, doing: Doing
) -> None:
    worker = Deliveries(redis, SHARD, "w")
    for team in (ONE, TWO):
        await begin(redis, team)
    await renew.announce(redis, SHARD)
    (done,) = (work for work in await worker.claim(50) if (work.team, work.kind, work.id) == (1, "j", 2))
    await worker.finish([Result(done, Complete(), "[1,200,1,1]")])

    await doing.do(redis)
    served = []
    for _ in range(2):
        try:
            await jobs.create(call_of(redis, ONE), JOB)
            await crons.create(call_of(redis, ONE), CRON)
        except (Damaged, ResponseError):
            pass  # which is told, and no 500
        served += await pass_of_everything(redis, settings, worker)
    after = await jobs.create(call_of(redis, TWO), JOB)
    served += await pass_of_everything(redis, settings, worker)

    assert after.id in served
    assert (await jobs.get(redis, TWO, after.id)).status == JobStatus.COMPLETED
    assert (await ledger.read(redis, TWO)).holds
    fired = await redis.zcard(f"{P}x:2:c1:completed")
    assert fired >= 2, "the cron of the other team did not fire"
    said = [finding.text for finding in (*await doctor.examine(redis), *await doctor.audit_all(redis))]
    wanted = doing.names or (doing.key,)
    assert doing.is_healed or any(name in text for text in said for name in wanted), said


def test_types_are_the_same_in_lua_and_here() -> None:
    text = Path("shared/lua/lib/damage.lua").read_text()
    table = text[text.index("TYPES = {") : text.index("local SINGLE")]

    found = dict(re.findall(r"(\w+) = '(\w+)'", table))

    assert found == damage.TYPES


@pytest.mark.parametrize("type_", AlertType)
async def test_an_alert_of_any_type_keeps_its_id_where_the_last_one_is_lost(
    redis: Redis, type_: AlertType
) -> None:
    await redis.zadd(f"{P}x:1:alerts:{type_}", {"7": 7})
    await redis.hset(f"{P}memory", mapping={"level": 2, "since": 1, "until": 1e15})  # type: ignore[misc]
    cron = await crons.create(call_of(redis, ONE), CRON)
    await redis.delete(f"{P}ids:1")

    await fire.fire_due(redis, SHARD, cron.next_run_at)  # which is left out, and that is told

    assert await redis.zrange(f"{P}x:1:alerts:storage_warning", -1, -1) == ["8"]


def test_what_is_done_for_alerts_is_done_for_those_of_every_type() -> None:
    texts = [
        Path(f"shared/lua/{name}.lua").read_text() for name in ("lib/ids", "lib/damage", "retire_alerts")
    ]

    assert [one for one in AlertType for text in texts if f"{one.value}'" not in text] == []
