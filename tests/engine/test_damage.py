"""What is damaged of one team, or of what all share, stops no other team, ends no loop and is named by the doctor."""

import re
from collections.abc import Sequence
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
    renew,
    replay,
    reschedule,
    rescue,
    retire,
    sound,
)
from services.scheduler.memory import weigh
from services.scheduler.watch import Watch
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Result
from shared.actions import crons, executions, jobs
from shared.errors import Damaged
from shared.schemas.alerts import AlertType
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate, JobStatus
from shared.schemas.kinds import Beside, Kind
from shared.settings import Settings
from shared.store import keyspace, ledger, moments, transitions
from shared.store.care import damage
from shared.store.care.shortage import Shortage
from shared.store.keyspace import Team
from shared.store.transitions import functions
from shared.store.transitions.library import Library
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


async def pass_of_everything(redis: Redis, settings: Settings, worker: Claims) -> list[int]:
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
    await reschedule.reschedule_doubtful(redis, SHARD)
    await reschedule.reschedule(redis, SHARD)
    await renew.renew(redis, SHARD)
    await weigh(redis, SHARD, Shortage.NO_BODIES)
    await forget.forget(redis, SHARD)
    await patrol.patrol(redis, SHARD)
    await patrol.tidy(redis, SHARD)
    if await retire.may_retire(redis, SHARD):
        await retire.retire(redis, SHARD, settings)
    await prune.prune(redis, SHARD)
    await replay.step(redis, SHARD)
    await replay.step_backfills(redis, SHARD)
    await rescue.rescue(redis, SHARD, await rescue.find_in_flight(redis, SHARD))
    works = await worker.claim(50)
    await worker.beat(works)
    answers = await worker.finish([Result(work, Complete(), "[1,200,1,1]") for work in works])
    assert len(answers) == len(works)
    return [work.id for work in works if work.team == TWO.id and work.kind == "j"]


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "LONGEST_SECONDS", 0.0)
    monkeypatch.setattr(retire, "PAUSE_SECONDS", 0.0)


@pytest.mark.writes_records
@pytest.mark.parametrize("doing", DAMAGES, ids=str)
async def test_the_other_team_is_served_and_the_doctor_names_it(
    redis: Redis, settings: Settings, doing: Doing
) -> None:
    worker = Claims(redis, SHARD, "w")
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
    said = [finding.text for finding in (*await doctor.examine(redis), *await doctor.reconcile_all(redis))]
    wanted = doing.names or (doing.key,)
    assert doing.is_healed or any(name in text for text in said for name in wanted), said


OF_TEAM = (
    *("names:1", "ids:1", "ledger:1", "throttled:1", "retry_after:1", "hosts:1", "turns:1"),
    *("s:1:crons", "f:1:outbox", "x:1:queues"),
    *(
        f"x:1:{state}"
        for state in ("pending", "processing", "completed", "failed", "retrying", "dead_lettered")
    ),
    *(f"x:1:alerts:{type_}" for type_ in AlertType),
)
OF_QUEUE = ("s:1:1", "f:1:1", "starts:1:1", "sent:1:1", "x:1:q1:dead_lettered", "x:1:q1:alerts")
OF_CRON = ("log:1:1", "x:1:c1:skipped", "x:1:c1:alerts")


async def spoil(redis: Redis, keys: Sequence[str]) -> None:
    """Make texts of them, which none of them is."""
    for key in keys:
        await redis.set(P + key, "junk")


async def put_aside(redis: Redis) -> set[str]:
    return {key.removeprefix(f"{P}aside:") for key in await redis.keys(f"{P}aside:*")}


async def test_all_that_a_team_shares_is_put_aside_where_it_is_of_a_wrong_type(redis: Redis) -> None:
    await begin(redis, ONE)
    await spoil(redis, [*OF_TEAM, *OF_QUEUE])

    mended = await transitions.mend_team(redis, ONE)

    assert {*mended} == {*OF_TEAM} == await put_aside(redis)


@pytest.mark.parametrize(("about", "keys"), [("1:1", OF_QUEUE), ("c:1", OF_CRON), ("j:1", OF_QUEUE)])
async def test_all_of_what_an_error_was_about_is_put_aside(
    redis: Redis, about: str, keys: Sequence[str]
) -> None:
    await begin(redis, ONE)
    await spoil(redis, [*OF_QUEUE, *OF_CRON])
    meet = f"confined('1', '{about}', function() error('it met something', 0) end)"
    library = Library(
        f"{functions.library.body}\ndo\nlocal function work()\n{meet}\nend\nregister('meet', {{}}, work)\nend"
    )
    await library.load(redis)

    await redis.fcall(f"{library.name}_meet", 1, ONE.prefix, 0)  # type: ignore[misc, arg-type]

    assert await put_aside(redis) == {*keys}
    assert await damage.count(redis, SHARD) == len(keys)


def test_types_are_the_same_in_lua_and_here() -> None:
    text = Path("shared/store/lua/lib/call/types.lua").read_text()
    table = text[text.index("TYPES = {") : text.index("}")]

    found = {letter(name): type_ for name, type_ in re.findall(r"(\w+)\]? = '(\w+)'", table)}

    assert found == damage.TYPES


def letter(name: str) -> str:
    """Of a kind that has a name in Python and the Lua, or any other beginning of a key."""
    return next((str(one) for one in (*Kind, *Beside) if one.name == name), name)


WITHOUT_LETTER = (Kind.REPLAY, Kind.BACKFILL, Kind.BULK)


def test_kinds_are_the_same_in_lua_and_here() -> None:
    text = Path("shared/store/lua/lib/call/kinds.lua").read_text()
    declared = re.findall(r"^local ([A-Z, ]+) = ((?:'\w', )*'\w')", text, re.M)
    found = {
        name: value
        for names, values in declared
        for name, value in zip(names.split(", "), re.findall(r"'(\w)'", values), strict=True)
    }

    here = {one.name: one.value for one in (*Kind, *Beside) if one not in WITHOUT_LETTER}
    assert {name: value for name, value in found.items() if name not in ("EXPIRY", "RING")} == here


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


def test_types_of_alerts_are_the_same_in_lua_and_here() -> None:
    text = Path("shared/store/lua/lib/call/states.lua").read_text()
    (types,) = re.findall(r"ALERT_TYPES = \{(.*)\}", text)

    assert set(re.findall(r"'(\w+)'", types)) == {*AlertType}
