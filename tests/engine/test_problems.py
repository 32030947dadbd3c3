"""Problems as the transitions count them: against a recount, within bounds, and after what hurts them."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from redis.asyncio import Redis

from services.scheduler.prune import prune
from services.scheduler.retire import retire
from services.worker.intake.claims import Claims
from services.worker.targets import target_of
from services.worker.work import Complete, Dead, Fail, Result, Retry, Verdict, Work
from shared import clock
from shared.actions import crons, dead_letters, executions, jobs, queues
from shared.actions.reports import problems
from shared.schemas.crons import CronCreate
from shared.schemas.dead_letters import DeadLetterSelection
from shared.schemas.jobs import JobCreate
from shared.schemas.reports.problems import Problem, ProblemQuery
from shared.settings import Settings
from shared.store import keyspace, ledger, moments, transitions
from shared.store.care import reconcile
from shared.store.keyspace import Team
from shared.store.transitions import accounts
from tests.calls import call_of

JOBS, BATCH, AGO = 2_000, 200, 60_000
"""So many ms before the present all of it has ended: a quarter of an hour to come is not shown."""
MINUTE, DAY = 60_000, 86_400_000
QUEUES, HOSTS = ("mail", "sync", "reports"), ("a.example", "b.example:8443", "c.example")
PATHS = ("/users/{}", "/orders/{}/items/{}", "/", "/daily/2026-11-{:02d}/{}")
REASONS = ("http_server_error 500", "http_server_error 503", "timeout", "connection_error")
MOST = 1_000
"""As in `problems.lua`."""


class Outcome(NamedTuple):
    verdict: Verdict
    reason: str
    url: str


@pytest.fixture
def worker(redis: Redis) -> Claims:
    return Claims(redis, keyspace.SHARDS[0], "w")


async def all_of(redis: Redis, team: Team) -> list[Problem]:
    found, number = list[Problem](), 1
    while True:
        page = await problems.page(call_of(redis, team), ProblemQuery(page=number, per_page=100))
        found += page.data
        if number >= page.last_page:
            return found
        number += 1


async def now_of(redis: Redis, team: Team) -> int:
    return clock.milliseconds(await moments.now(redis, team.shard))


async def fail(
    worker: Claims,
    works: Sequence[Work],
    now: int,
    *,
    url: str = "https://a.example/",
    verdict: Verdict | None = None,
) -> None:
    reason, how = "timeout", verdict or Dead()
    await worker.finish(
        [Result(work, how, "[1]", "", reason, "{}", target=target_of(url)) for work in works], now
    )


async def dead(redis: Redis, team: Team, worker: Claims, count: int = 1, queue: str = "mail") -> list[int]:
    asked = [JobCreate(queue=queue, url="https://a.example/")] * count
    made = await jobs.create_many(call_of(redis, team), asked)
    await fail(worker, await worker.claim(BATCH), await now_of(redis, team))
    return [one.id for one in made]


def outcome(dice: random.Random) -> Outcome:
    path = dice.choice(PATHS).format(dice.randint(1, 28), dice.randint(1, 10**9))
    verdicts: list[Verdict] = [Complete(), Retry(1), Dead(), Dead(), Fail()]
    return Outcome(dice.choice(verdicts), dice.choice(REASONS), f"https://{dice.choice(HOSTS)}{path}?x=1")


async def test_problems_are_what_a_recount_of_all_outcomes_says(
    redis: Redis, team: Team, worker: Claims
) -> None:
    dice, failed, dying = random.Random(81), Counter[str](), Counter[str]()
    for start in range(0, JOBS, BATCH):
        asked = [JobCreate(queue=dice.choice(QUEUES), url="https://a.example/") for _ in range(BATCH)]
        await jobs.create_many(call_of(redis, team), asked)
        now = await now_of(redis, team) - AGO
        later = 2_000 * (start // BATCH + 1)
        while works := await worker.claim(BATCH, now + later):
            results = list[Result]()
            for work in works:
                verdict, reason, url = outcome(dice)
                results.append(Result(work, verdict, "[1]"))
                if isinstance(verdict, Complete):
                    continue
                name = f"{work.queue} {reason} {target_of(url)}"
                results[-1] = Result(work, verdict, "[1]", "", reason, "{}", target=target_of(url))
                failed[name] += 1
                dying[name] += isinstance(verdict, Dead)
            await worker.finish(results, now + later)

    found = await all_of(redis, team)

    assert sum(failed.values()) > JOBS // 2
    assert {_name(one): one.count for one in found} == failed
    assert {_name(one): one.dead_letters for one in found} == {name: dying[name] for name in failed}
    assert all(sum(one.quarters) == one.count for one in found)
    await _take_away(redis, team, found)
    assert (await ledger.read(redis, team)).holds
    assert await reconcile.relist_problems(redis, team) == []
    assert [step.mended async for step in reconcile.patrol(redis, team, whole=True) if step.mended] == []


def _name(one: Problem) -> str:
    status = f" {one.response_status}" if one.response_status else ""
    return f"{one.queue_id} {one.failure_reason}{status} {one.host} {one.path}"


async def _take_away(redis: Redis, team: Team, found: Sequence[Problem]) -> None:
    """Replay, purge and delete dead letters of some, and see that only theirs are fewer."""
    call, (first, second, third, *others) = (
        call_of(redis, team),
        [one for one in found if one.dead_letters > 1],
    )
    chosen = [DeadLetterSelection(problem_id=one.id) for one in (first, second, third)]
    ids = (await dead_letters._following(redis, team, chosen[0], 0)).ids
    await dead_letters.replay_now(call, ids[:1])
    await dead_letters.purge(call, chosen[1])
    (deleted, *_) = (await dead_letters._following(redis, team, chosen[2], 0)).ids
    await jobs.delete(call, deleted)

    after = {one.id: one.dead_letters for one in await all_of(redis, team)}
    assert after[first.id] == first.dead_letters - 1
    assert after[second.id] == 0
    assert after[third.id] == third.dead_letters - 1
    assert [after[one.id] for one in others] == [one.dead_letters for one in others]


async def test_a_lost_worker_and_an_expired_job_are_problems_without_a_target(
    redis: Redis, team: Team, worker: Claims
) -> None:
    now = await now_of(redis, team)
    asked = JobCreate(queue="mail", url="https://a.example/", expires_at=clock.moment(now + MINUTE), delay=30)
    await jobs.create(call_of(redis, team), asked, now)
    await worker.claim(1, now + 2 * MINUTE)

    (found,) = await all_of(redis, team)

    assert (found.failure_reason, found.host, found.path, found.job_id) == ("expired", None, None, 1)


async def test_failures_are_counted_by_quarters_of_an_hour_for_a_day(
    redis: Redis, team: Team, worker: Claims
) -> None:
    now = await now_of(redis, team)
    for quarters in (0, 1, 97):
        await jobs.create(call_of(redis, team), JobCreate(queue="mail", url="https://a.example/"))
        at = now + quarters * problems.QUARTER_MILLISECONDS
        await fail(worker, await worker.claim(BATCH, at), at)

    fields = await redis.hgetall(f"{team.prefix}problem:1:1")  # type: ignore[misc]

    kept = [name for name in fields if name.startswith("at")]
    assert kept == [f"at{now // problems.QUARTER_MILLISECONDS + 97}"]
    assert fields["count"] == "3"


async def test_the_oldest_resolved_problem_makes_room_then_the_oldest_open_one(
    redis: Redis, team: Team, worker: Claims
) -> None:
    words = [f"{a}{b}{c}" for a in "abcdefghij" for b in "abcdefghij" for c in "abcdefghij"]
    for start in range(0, MOST, BATCH):
        await jobs.create_many(
            call_of(redis, team), [JobCreate(queue="mail", url="https://a.example/")] * BATCH
        )
        now = await now_of(redis, team)
        named = zip(await worker.claim(BATCH, now), words[start : start + BATCH], strict=True)
        results = [
            Result(work, Dead(), "[1]", "", "timeout", "{}", target=f"a.example /{word}")
            for work, word in named
        ]
        await worker.finish(results, now + start)
    await problems_are(redis, team, 5, "resolved")
    await dead(redis, team, worker)
    await jobs.create_many(call_of(redis, team), [JobCreate(queue="mail", url="https://a.example/")] * 2)
    works = await worker.claim(2, await now_of(redis, team))
    targets = zip(works, (words[0], "new"), strict=True)  # of which the first is the oldest
    await worker.finish(
        [
            Result(work, Dead(), "[1]", "", "timeout", "{}", target=f"a.example /{word}")
            for work, word in targets
        ],
        await now_of(redis, team),
    )

    found = {one.id for one in await all_of(redis, team)}

    gone = {*range(1, MOST + 3)} - found
    assert (len(found), gone) == (MOST, {1, 5})
    linked = [(await jobs.get(redis, team, job)).problem_id for job in (1, 2, 5)]
    assert linked == [None, 2, None]
    assert not await redis.exists(f"{team.prefix}problem:1:1")
    assert await redis.hlen(f"{team.prefix}problem_ids:1") == MOST  # type: ignore[misc]
    assert not await redis.exists(f"{team.prefix}x:1:p5:dead")


async def problems_are(redis: Redis, team: Team, problem: int, state: str) -> None:

    assert await transitions.change_problem(redis, team, problem=problem, state=state, until_ms=None)


async def test_what_was_not_seen_for_long_goes_unless_it_has_dead_letters(
    redis: Redis, team: Team, worker: Claims
) -> None:
    now = await now_of(redis, team)
    await dead(redis, team, worker)
    await jobs.create(call_of(redis, team), JobCreate(queue="mail", url="https://a.example/"))
    await fail(worker, await worker.claim(1, now), now, url="https://b.example/", verdict=Fail())
    settings = Settings(retention_days=2)

    await retire(redis, team.shard, settings, now + DAY)
    assert len(await all_of(redis, team)) == 2
    await retire(redis, team.shard, settings, now + 3 * DAY)

    assert [one.host for one in await all_of(redis, team)] == ["a.example"]
    await retire(redis, team.shard, settings, now + 16 * DAY)
    await retire(redis, team.shard, settings, now + 18 * DAY)
    assert await keys_of_problems(redis, team) == []


async def keys_of_problems(redis: Redis, team: Team) -> list[str]:
    """All that is stored of problems, but for records of jobs."""
    found = {key.removeprefix(team.prefix) async for key in redis.scan_iter(f"{team.prefix}*")}
    return sorted(key for key in found if "problem" in key or "watched" in key or ":p" in key)


async def test_problems_of_a_deleted_queue_and_cron_go_with_them(
    redis: Redis, team: Team, worker: Claims
) -> None:
    await dead(redis, team, worker, 3)
    cron = await crons.create(
        call_of(redis, team),
        CronCreate(name="ping", url="https://a.example/", cron_expression="0 0 1 1 *"),
    )
    await executions.create(call_of(redis, team), cron.id)
    await fail(worker, await worker.claim(9), await now_of(redis, team), verdict=Fail())
    assert {(one.queue_id, one.cron_id) for one in await all_of(redis, team)} == {(1, None), (None, 1)}

    await queues.delete(call_of(redis, team), 1)
    await crons.delete(call_of(redis, team), cron.id)
    while await prune(redis, team.shard):
        pass

    assert await keys_of_problems(redis, team) == []


async def test_lost_and_wrong_lists_are_put_right(redis: Redis, team: Team, worker: Claims) -> None:
    first, second = await dead(redis, team, worker, 2)
    await dead(redis, team, worker, queue="other")
    before = await all_of(redis, team)
    listed = f"{team.prefix}x:1:p1:dead"
    await redis.delete(f"{team.prefix}problem_ids:1", f"{team.prefix}x:1:q1:problems")
    await redis.zrem(f"{team.prefix}x:1:problems:open", "1")
    await redis.zadd(f"{team.prefix}x:1:problems:resolved", {"2": 1, "77": 1})
    await redis.zrem(listed, second)
    await redis.zadd(listed, {"3": 3, "99": 99})
    await redis.zadd(f"{team.prefix}x:1:problems:ignored", {"1": 1})

    await reconcile.relist_problems(redis, team)
    mended = [step.mended async for step in reconcile.patrol(redis, team, whole=True) if step.mended]

    assert mended
    assert await redis.zrange(listed, 0, -1) == [str(first), str(second)]
    assert await all_of(redis, team) == before
    assert await redis.hlen(f"{team.prefix}problem_ids:1") == 2  # type: ignore[misc]
    assert await redis.zrange(f"{team.prefix}x:1:q1:problems", 0, -1) == ["1"]
    assert await reconcile.relist_problems(redis, team) == []


@pytest.mark.parametrize("key", ["problem:1:1", "problem_ids:1", "x:1:problems:open"])
async def test_what_is_damaged_of_problems_keeps_no_job_from_ending(
    redis: Redis, team: Team, worker: Claims, key: str
) -> None:
    await dead(redis, team, worker)
    await redis.delete(team.prefix + key)
    await redis.set(team.prefix + key, "no hash")

    (job,) = await dead(redis, team, worker)
    await dead(redis, team, worker)

    assert (await jobs.get(redis, team, job)).dead_lettered_at
    assert (await ledger.read(redis, team)).holds
    assert [one for one in await all_of(redis, team) if one.count]
    assert key in await redis.hkeys(keyspace.damaged(team.shard))  # type: ignore[misc]


async def test_a_list_of_dead_letters_of_a_wrong_type_is_made_anew(
    redis: Redis, team: Team, worker: Claims
) -> None:
    (before,) = await dead(redis, team, worker)
    await redis.delete(f"{team.prefix}x:1:p1:dead")
    await redis.set(f"{team.prefix}x:1:p1:dead", "no list")
    (job,) = await dead(redis, team, worker)
    assert [(one.count, one.dead_letters) for one in await all_of(redis, team)] == [(2, 0)]

    assert await reconcile.relist_problems(redis, team) == ["1"]
    mended = [step.mended async for step in reconcile.patrol(redis, team, whole=True) if step.mended]

    assert mended == [(f"j:{before}", f"j:{job}")]
    assert [(one.count, one.dead_letters) for one in await all_of(redis, team)] == [(2, 2)]


async def test_ids_that_were_lost_are_not_given_again(redis: Redis, team: Team, worker: Claims) -> None:
    await dead(redis, team, worker)
    await redis.hdel(f"{team.prefix}ids:1", "problem")  # type: ignore[misc]

    await dead(redis, team, worker, queue="other")

    assert sorted(one.id for one in await all_of(redis, team)) == [1, 2]


async def test_a_deleted_team_leaves_no_problems(redis: Redis, team: Team, worker: Claims) -> None:
    await dead(redis, team, worker)
    await redis.delete(f"{team.prefix}x:1:q1:problems")

    while await accounts.clear_team(redis, team, limit=10) > 0:
        pass

    assert [key for key in await keys_of_problems(redis, team) if ":p" not in key] == []
