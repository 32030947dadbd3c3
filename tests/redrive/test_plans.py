"""A dry run changes nothing, and says what the replay then does."""

import pytest
from redis.asyncio import Redis

from services.worker.work import Dead, Retry
from shared.actions import dead_letters, jobs
from shared.actions.redrive import planning
from shared.schemas.dead_letters import ReplayPlan, Share
from shared.schemas.jobs import JobCreate
from shared.store.keyspace import Team
from tests import dead, lost
from tests.calls import call_of
from tests.redrive.replaying import begun, run, shown, wanted


async def planned(redis: Redis, team: Team, **asked: object) -> ReplayPlan:
    answer = await dead_letters.plan(call_of(redis, team), wanted(dry_run=True, **asked))
    assert answer.plan is not None
    return answer.plan


async def mixed(redis: Redis, team: Team) -> None:
    """450 for one host, 30 of another queue, one whose request is lost and one that was replayed."""
    await dead.dead_letters(redis, team, 450)
    await dead.dead_letters(redis, team, 30, queue="sync", url="https://b.example:8443/x", run=dead.REFUSED)
    await redis.delete(f"{team.prefix}b:{team.id}:7")
    await dead_letters.replay_now(call_of(redis, team), [9])


async def test_what_is_planned_is_what_then_happens(redis: Redis, team: Team) -> None:
    await mixed(redis, team)

    plan = await planned(redis, team, rate=50)
    replay, began = await begun(redis, team, rate=50, expected_count=plan.selected)
    await run(redis, began)

    done = await shown(redis, team, replay)
    assert (plan.selected, plan.would_replay) == (479, 478)
    assert (done.total, done.replayed, done.skipped) == (479, 478, 1)
    assert [one.count for one in plan.skipped] == [done.skipped]
    assert plan.by_queue == [Share(name="mail", count=448), Share(name="sync", count=30)]
    assert plan.by_host == [Share(name="a.example", count=448), Share(name="b.example:8443", count=30)]
    assert [(one.name, one.count) for one in plan.by_failure_reason] == [
        ("timeout", 448),
        ("http_server_error", 30),
    ]
    assert (plan.seconds, plan.looked_at, plan.has_more) == (10, 479, False)


async def test_nothing_is_changed(redis: Redis, team: Team) -> None:
    await mixed(redis, team)
    before = await lost.everything(redis)

    await planned(redis, team, change={"origin": "https://new.example"})

    assert await lost.everything(redis) == before


async def test_of_ids_it_says_why_some_would_be_skipped(redis: Redis, team: Team) -> None:
    await jobs.create(call_of(redis, team), JobCreate(queue="mail", url=dead.URL), dead.NOON)
    await dead.end_all(redis, Retry(1))
    await dead.end_all(redis, Dead(), dead.NOON + 5000)
    await dead.dead_letters(redis, team, 2)
    await dead_letters.replay_now(call_of(redis, team), [3])
    ids = [2, 1, 3, 4, 99]

    plan = await planned(redis, team, all=False, ids=ids)
    done = await dead_letters.replay_now(call_of(redis, team), ids)

    assert {one.name: one.count for one in plan.skipped} == {
        planning.SAME_CHAIN: 1,
        planning.REPLAYED: 1,
        planning.NO_DEAD_LETTER: 1,
    }
    assert (plan.selected, plan.would_replay, plan.seconds) == (2, 2, 0)
    assert (len(done.replayed), len(done.skipped)) == (2, 3)


async def test_it_says_how_far_it_looked(redis: Redis, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    await dead.dead_letters(redis, team, 450)
    monkeypatch.setattr(planning, "MOST_LOOKED_AT", 400)

    plan = await planned(redis, team)

    assert (plan.looked_at, plan.has_more, plan.selected) == (400, True, 400)


async def test_lists_are_bounded_with_the_largest_first(redis: Redis, team: Team) -> None:
    for host in range(25):
        await dead.dead_letters(redis, team, 1 + (host == 13), url=f"https://h{host}.example/")

    plan = await planned(redis, team)

    assert len(plan.by_host) == 20
    assert plan.by_host[0] == Share(name="h13.example", count=2)
