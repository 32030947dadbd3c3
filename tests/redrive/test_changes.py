"""Changed requests as jobs: at once and in the background, whoever steps, and whatever happens meanwhile."""

import asyncio

import pytest
from redis.asyncio import Redis

from services.scheduler.replay import step
from services.worker.http.outgoing import Outgoing
from services.worker.intake.claims import Claims
from services.worker.requests import request_of
from services.worker.work import Complete, Dead, Job
from shared.actions import dead_letters, jobs, resealing
from shared.actions.redrive import at_once, changing
from shared.errors import Invalid
from shared.schemas.dead_letters import ReplayChange, ReplayState
from shared.schemas.jobs import JobCreate
from shared.security.vault import MASK, Vault
from shared.store import ledger, transitions
from shared.store.keyspace import Team
from tests import dead
from tests.calls import KEY, VAULT, call_of
from tests.redrive.replaying import SHARD, begun, run, shown

A, B = "https://a.example", "https://b.example"
SECRETS = {"Authorization": "Bearer of-a", "X-Tenant": "7"}


async def secret_ones(redis: Redis, team: Team, n: int) -> list[int]:
    """Dead letters with a secret header, as a door would have kept them."""
    sealed = VAULT.seal_headers(SECRETS, team.id, f"{A}:443")
    job = JobCreate(queue="mail", url=f"{A}/in", payload={"n": 1}).model_copy(update={"headers": sealed})
    made = await jobs.create_many(call_of(redis, team), [job] * n, now_ms=dead.NOON)
    await dead.end_all(redis, Dead())
    return [one.id for one in made]


async def sent(redis: Redis, vault: Vault = VAULT) -> list[Outgoing]:
    """The requests of all ready jobs, as they leave."""
    worker, found = Claims(redis, SHARD, "w"), list[Outgoing]()
    while works := await worker.claim(64):
        found += [request_of(work, vault) for work in works if isinstance(work, Job)]
    return found


async def test_one_is_sent_elsewhere_without_the_secrets_of_before(redis: Redis, team: Team) -> None:
    (old,) = await secret_ones(redis, team, 1)
    change = ReplayChange.model_validate({"url": f"{B}/new", "method": "PUT", "body": "raw"})

    done = await dead_letters.replay_now(call_of(redis, team), [old], change=change)

    (request,) = await sent(redis)
    assert (request.method, request.url, request.body) == ("PUT", f"{B}/new", b"raw")
    assert "Authorization" not in request.headers
    assert request.headers["X-Tenant"] == "7"
    assert [one.new_job_id for one in done.replayed] == [2]
    assert "Authorization. Give it anew in change.headers" in done.warnings[0]
    job = await jobs.get(redis, team, 2)
    assert (job.replay_of, job.url, job.body, job.payload) == (old, f"{B}/new", "raw", None)
    assert (await ledger.read(redis, team)).holds


async def test_many_move_to_another_server_with_a_secret_of_its_own(redis: Redis, team: Team) -> None:
    await secret_ones(redis, team, 130)
    change = {"origin": B, "headers": {"X-Api-Key": "of-b", "X-Tenant": None}}

    replay, began = await begun(redis, team, rate=50, change=change)
    await run(redis, began)

    requests = await sent(redis)
    assert {request.url for request in requests} == {f"{B}/in"}
    assert {request.headers.get("X-Api-Key") for request in requests} == {"of-b"}
    assert not any({"Authorization", "X-Tenant"} & {*request.headers} for request in requests)
    assert len(requests) == 130
    done = await shown(redis, team, replay)
    assert (done.state, done.replayed, done.changes) == ("finished", 130, ("headers", "origin"))
    assert "Authorization" in done.warnings[0]
    assert await redis.keys("*replay_change*") == []


async def test_many_schedulers_change_each_once_at_the_rate(redis: Redis, team: Team) -> None:
    ids = await secret_ones(redis, team, 60)
    replay, began = await begun(redis, team, rate=20, change={"timeout_seconds": 7})

    for tenth in range(40):
        await asyncio.gather(*(step(redis, SHARD, began + tenth * 100) for _ in range(4)))
        assert (await shown(redis, team, replay)).replayed <= 1 + 2 * tenth

    replays = {(await jobs.get(redis, team, job)).replayed_as for job in ids}
    assert len(replays - {None}) == 60
    assert (await ledger.read(redis, team)).accepted == 120
    assert {request.timeout_seconds for request in await sent(redis)} == {7.0}


async def test_the_first_is_sent_changed_too(redis: Redis, team: Team) -> None:
    await secret_ones(redis, team, 3)
    _, began = await begun(redis, team, send_one_first=True, change={"method": "PUT"})

    await step(redis, SHARD, began + 1000)
    tried = await sent(redis)

    assert [request.method for request in tried] == ["PUT"]


async def test_what_asks_for_the_same_has_the_same_name_and_what_asks_for_more_has_not(
    redis: Redis, team: Team
) -> None:
    ids = await secret_ones(redis, team, 2)
    before = [(await jobs.get(redis, team, job)).idempotency_key for job in ids]

    for job, given in zip(ids, ({"headers": {"X-Tenant": "8"}}, {"payload": {"n": 2}}), strict=True):
        change = ReplayChange.model_validate(given)
        await dead_letters.replay_now(call_of(redis, team), [job], change=change)

    same, other = [request.headers["Idempotency-Key"] for request in await sent(redis)]
    assert same == before[0]
    assert other not in (*before, same)


async def test_secrets_are_sealed_for_each_destination_of_the_chosen(redis: Redis, team: Team) -> None:
    await secret_ones(redis, team, 1)
    await dead.dead_letters(redis, team, 1, url=f"{B}/in")

    _, began = await begun(redis, team, change={"headers": {"Authorization": "Bearer anew"}})
    await run(redis, began)

    assert [request.headers["Authorization"] for request in await sent(redis)] == ["Bearer anew"] * 2


async def test_more_destinations_than_secrets_are_sealed_for_are_refused(redis: Redis, team: Team) -> None:
    for host in range(changing.MOST_DESTINATIONS + 1):
        await dead.dead_letters(redis, team, 1, url=f"https://h{host}.example/")
    change = {"headers": {"Authorization": "Bearer anew"}}

    with pytest.raises(Invalid, match="20 at most"):
        await begun(redis, team, change=change)

    await begun(redis, team, change={**change, "origin": B})


async def test_what_came_later_from_another_server_gets_no_secret(redis: Redis, team: Team) -> None:
    ids = await secret_ones(redis, team, 2)
    change = {"headers": {"Authorization": "Bearer anew"}}
    replay, began = await begun(redis, team, change=change)
    other = '{"method":"POST","url":"https://c.example/in"}'
    await redis.set(f"{team.prefix}b:{team.id}:{ids[1]}", other)

    await run(redis, began)

    done = await shown(redis, team, replay)
    assert (done.state, done.replayed, done.skipped) == (ReplayState.FINISHED, 1, 1)
    assert (await jobs.get(redis, team, ids[1])).final_status == "dead_lettered"


async def test_a_lost_or_spoiled_request_is_skipped_and_stops_nothing(redis: Redis, team: Team) -> None:
    ids = await secret_ones(redis, team, 4)
    replay, began = await begun(redis, team, change={"method": "PUT"})
    await redis.delete(f"{team.prefix}b:{team.id}:{ids[0]}")
    await redis.set(f"{team.prefix}b:{team.id}:{ids[1]}", "{spoiled")

    await run(redis, began)

    done = await shown(redis, team, replay)
    assert (done.state, done.replayed, done.skipped) == (ReplayState.FINISHED, 2, 2)
    assert (await ledger.read(redis, team)).holds


async def test_a_key_can_be_changed_while_a_replay_runs(redis: Redis, team: Team) -> None:
    await secret_ones(redis, team, 4)
    new = "the-new-key-" + 32 * "n"
    change = {"origin": B, "headers": {"X-Api-Key": "of-b"}}
    replay, began = await begun(redis, team, rate=1, change=change)
    await step(redis, SHARD, began)

    count = await resealing.reseal_all(redis, Vault(new, KEY))
    await run(redis, began)

    assert count.is_complete
    assert {request.headers["X-Api-Key"] for request in await sent(redis, Vault(new))} == {"of-b"}
    assert (await shown(redis, team, replay)).replayed == 4


async def test_what_was_sealed_anew_meanwhile_is_made_anew(redis: Redis, team: Team) -> None:
    (old,) = await secret_ones(redis, team, 1)
    key = f"{team.prefix}b:{team.id}:{old}"
    spec = await redis.get(key)
    how = changing.of_call(ReplayChange(method="PUT"), VAULT, team)
    made = changing.request(old, spec.replace("/in", "/other"), how)
    assert isinstance(made, changing.Made)

    answers = await transitions.replay_changed_jobs(redis, team, [made.request])
    replay, began = await begun(redis, team, change={"method": "PUT"})
    left = await transitions.step_replay(
        redis, team, [made.request], replay=str(replay), most=9, now_ms=began
    )

    assert (answers, left) == ([(-2, False, old)], 1)
    assert (await ledger.read(redis, team)).accepted == 1


async def test_at_once_more_than_a_batch_is_changed(redis: Redis, team: Team) -> None:
    ids = await secret_ones(redis, team, at_once.CHANGED_BATCH + 5)

    done = await dead_letters.replay_now(call_of(redis, team), [*ids, 999], change=ReplayChange(method="PUT"))

    assert len(done.replayed) == len(ids)
    assert [one.job_id for one in done.skipped] == [999]
    assert {request.method for request in await sent(redis)} == {"PUT"}


async def test_a_changed_job_shows_no_secret_and_may_be_replayed_again(redis: Redis, team: Team) -> None:
    (old,) = await secret_ones(redis, team, 1)
    change = ReplayChange.model_validate({"headers": {"Authorization": "Bearer anew"}})
    await dead_letters.replay_now(call_of(redis, team), [old], change=change)
    await dead.end_all(redis, Dead())

    await dead_letters.replay_now(call_of(redis, team), [2])

    assert (await jobs.get(redis, team, 3)).headers == {"Authorization": MASK, "X-Tenant": "7"}
    assert await dead.end_all(redis, Complete()) == [3]
