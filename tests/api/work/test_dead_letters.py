from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from services.scheduler.replay import step
from services.worker.work import Complete, Dead, Retry
from shared.actions import dead_letters, jobs
from shared.schemas.dead_letters import DeadLetterSelection
from shared.schemas.jobs import JobCreate
from shared.store import ledger
from shared.store.keyspace import Team
from tests import dead
from tests.calls import call_of

PATH = "/api/dead-letters"
NONE_OF_YOURS = "It is no dead letter of this team."


async def listed(client: httpx.AsyncClient, query: str = "") -> list[int]:
    return [job["id"] for job in (await client.get(f"{PATH}{query}")).json()["data"]]


async def test_dead_letters_are_listed_newest_first(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, redis: Redis, team: Team
) -> None:
    await dead.dead_letters(redis, team, 2)
    await dead.dead_letters(redis, team, 1, queue="sync", url="https://b.example/", run=dead.REFUSED)

    assert await listed(client) == [3, 2, 1]
    assert await listed(client, "?queue_id=2") == await listed(client, "?search=B.EXAMPLE") == [3]
    assert await listed(client, "?failure_reason=timeout") == [2, 1]
    assert await listed(client, "?failure_reason=timeout&queue_id=2") == []
    assert await listed(stranger) == []


async def test_a_replay_is_a_fresh_job_of_the_same_request(
    client: httpx.AsyncClient, redis: Redis, team: Team
) -> None:
    asked: dict[str, Any] = {
        "method": "PUT",
        "headers": {"X-Tenant": "7"},
        "callback_url": "https://a.example/told",
    }
    (old_id,) = await dead.dead_letters(redis, team, 1, **asked, delay=0)

    answer = await client.post(f"{PATH}/replay", json={"ids": [old_id]})

    assert answer.status_code == 200
    replayed = {"job_id": 1, "new_job_id": 2, "original_job_id": 1}
    assert answer.json() == {"replayed": [replayed], "skipped": []}
    old, new = [(await client.get(f"/api/jobs/{number}")).json() for number in (1, 2)]
    assert (old["status"], old["final_status"], old["replayed_as"]) == ("failed", "dead_lettered", 2)
    assert (new["status"], new["attempt_number"], new["replay_of"]) == ("pending", 1, 1)
    same = ("url", "method", "headers", "payload", "callback_url", "queue_id", "queue")
    assert {name: new[name] for name in same} == {name: old[name] for name in same}
    assert await listed(client) == []
    assert await dead.end_all(redis, Complete()) == [2]
    assert (await ledger.read(redis, team)).holds


async def test_nothing_replays_twice(client: httpx.AsyncClient, redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 1)
    await client.post(f"{PATH}/replay", json={"ids": [1]})

    answer = await client.post(f"{PATH}/replay", json={"ids": [1, 1, 2, 99]})

    assert answer.json() == {
        "replayed": [],
        "skipped": [
            {"job_id": 1, "reason": "It was replayed before.", "new_job_id": 2, "original_job_id": 1},
            {"job_id": 2, "reason": NONE_OF_YOURS, "new_job_id": None, "original_job_id": None},
            {"job_id": 99, "reason": NONE_OF_YOURS, "new_job_id": None, "original_job_id": None},
        ],
    }
    assert (await ledger.read(redis, team)).accepted == 2


async def a_dead_chain(redis: Redis, team: Team) -> None:
    """Job 1, whose retry 2 was its last."""
    await jobs.create(call_of(redis, team), JobCreate(queue="mail", url=dead.URL), dead.NOON)
    await dead.end_all(redis, Retry(1))
    await dead.end_all(redis, Dead(), dead.NOON + 5000)


@pytest.mark.parametrize("any_id", [1, 2])
async def test_a_chain_is_replayed_as_a_whole_by_any_of_its_ids(
    client: httpx.AsyncClient, redis: Redis, team: Team, any_id: int
) -> None:
    await a_dead_chain(redis, team)

    answer = await client.post(f"{PATH}/replay", json={"ids": [any_id]})

    replayed = {"job_id": any_id, "new_job_id": 3, "original_job_id": 1}
    assert answer.json() == {"replayed": [replayed], "skipped": []}
    assert (await client.get("/api/jobs/3")).json()["replay_of"] == 1
    retry = (await client.get("/api/jobs/2")).json()
    assert (retry["final_status"], retry["original_job_id"]) == ("failed_with_retries", 1)


async def test_a_replayed_job_may_die_and_be_replayed_again(
    client: httpx.AsyncClient, redis: Redis, team: Team
) -> None:
    await dead.dead_letters(redis, team, 1)
    await client.post(f"{PATH}/replay", json={"ids": [1]})
    await dead.end_all(redis, Dead())

    answer = await client.post(f"{PATH}/replay", json={"ids": [2]})

    assert answer.json()["replayed"] == [{"job_id": 2, "new_job_id": 3, "original_job_id": 2}]


async def test_two_ids_of_a_chain_are_one_dead_letter(
    client: httpx.AsyncClient, redis: Redis, team: Team
) -> None:
    await a_dead_chain(redis, team)

    replay = (await client.post(f"{PATH}/replay", json={"ids": [2, 1]})).json()
    await dead.end_all(redis, Dead(), dead.NOON + 5000)
    purge = await client.post(f"{PATH}/purge", json={"ids": [3, 2, 1]})

    assert [one["job_id"] for one in replay["replayed"]] == [2]
    assert replay["skipped"][0]["reason"] == "It was replayed before."
    assert purge.json()["purged"] == 1


async def test_a_chain_is_replayed_in_the_background_by_any_of_its_ids(
    client: httpx.AsyncClient, redis: Redis, team: Team
) -> None:
    await a_dead_chain(redis, team)

    await client.post(f"{PATH}/replay", json={"ids": [2], "rate": 5})
    await step(redis, team.shard)

    assert (await client.get(f"{PATH}/replays/1")).json()["replayed"] == 1
    assert (await client.get("/api/jobs/3")).json()["replay_of"] == 1


async def test_a_chain_is_purged_by_any_of_its_ids(
    client: httpx.AsyncClient, redis: Redis, team: Team
) -> None:
    await a_dead_chain(redis, team)

    answer = await client.post(f"{PATH}/purge", json={"ids": [2]})

    assert answer.json() == {"purged": 1, "remaining": 0}
    assert [(await client.get(f"/api/jobs/{number}")).status_code for number in (1, 2)] == [404, 404]


@pytest.mark.parametrize(
    ("asked", "total"),
    [
        ({"all": True}, 6),
        ({"queue_id": 1}, 4),
        ({"search": "b.example"}, 2),
        ({"failure_reason": "http_server_error"}, 2),
        ({"failure_reason": "timeout", "queue_id": 2}, 0),
        ({"dead_lettered_before": "2026-11-25T12:00:30Z"}, 4),
        ({"ids": [1, 5], "rate": 5}, 2),
    ],
)
async def test_a_filter_is_replayed_in_the_background(
    client: httpx.AsyncClient, redis: Redis, team: Team, asked: dict[str, object], total: int
) -> None:
    await dead.dead_letters(redis, team, 4)
    later = dead.NOON + 60_000
    await dead.dead_letters(
        redis, team, 2, now=later, queue="sync", url="https://b.example/", run=dead.REFUSED
    )

    answer = await client.post(f"{PATH}/replay", json=asked)

    assert answer.status_code == 202
    replay = answer.json()
    assert (replay["id"], replay["total"]) == (1, total)
    assert replay["state"] == ("running" if total else "finished")
    assert (replay["rate"], replay["stop_after_failures"]) == (asked.get("rate", 50), 10)
    assert (await client.get(f"{PATH}/replays/1")).json() == replay
    assert (await client.get(f"{PATH}/replays")).json()["data"] == [replay]
    cancelled = (await client.post(f"{PATH}/replays/1/cancel")).json()
    assert cancelled["state"] == ("cancelled" if total else "finished")


@pytest.mark.parametrize("call", ["replay", "purge"])
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "either ids, or filters, or all: true"),
        ({"ids": [1], "all": True}, "either ids, or filters, or all: true"),
        ({"ids": [1], "queue_id": 1}, "either ids, or filters, or all: true"),
        ({"all": False}, "The body must have either ids, or filters, or all: true."),
        ({"ids": []}, "at least 1 item"),
        ({"ids": list(range(1, 1002))}, "at most 1000 items"),
        ({"ids": [0]}, "at least 1"),
        ({"ids": ["x"]}, "must be an integer"),
        ({"queue": "mail"}, "is not known here"),
        ({"failure_reason": "bad luck"}, "must be one of"),
        ({"dead_lettered_before": "2026-11-25T12:00:00"}, "a moment with its offset"),
    ],
)
async def test_a_wrong_choice_is_named(
    client: httpx.AsyncClient, call: str, asked: dict[str, object], said: str
) -> None:
    answer = await client.post(f"{PATH}/{call}", json=asked)

    assert answer.status_code == 422
    assert said in answer.json()["message"]


@pytest.mark.parametrize(
    "wrong", [{"rate": 0}, {"rate": 1001}, {"stop_after_failures": 0}, {"stop_after_failures": "x"}]
)
async def test_a_wrong_pace_is_named(client: httpx.AsyncClient, wrong: dict[str, object]) -> None:
    answer = await client.post(f"{PATH}/replay", json={"all": True, **wrong})

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == list(wrong)


async def test_purging_deletes_for_good(client: httpx.AsyncClient, redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 5)
    await client.post(f"{PATH}/replay", json={"ids": [5]})

    some = await client.post(f"{PATH}/purge", json={"ids": [1, 2, 5, 6, 99]})
    rest = await client.post(f"{PATH}/purge", json={"all": True})

    assert (some.json(), rest.json()) == ({"purged": 2, "remaining": 0}, {"purged": 2, "remaining": 0})
    assert [(await client.get(f"/api/jobs/{number}")).status_code for number in (1, 3, 5, 6)] == [
        404,
        404,
        200,
        200,
    ]
    books = await ledger.read(redis, team)
    assert (books.holds, books.deleted) == (True, 4)
    assert await redis.keys("*:b:1:1") == []


async def test_a_purge_takes_its_time_and_says_what_remains(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 5)

    hurried = await dead_letters.purge(call_of(redis, team), DeadLetterSelection(all=True), seconds=0)

    assert (hurried.purged, hurried.remaining) == (0, 5)


async def test_the_dead_letters_of_another_team_stay(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, redis: Redis, team: Team
) -> None:
    await dead.dead_letters(redis, team, 2)

    replayed = await stranger.post(f"{PATH}/replay", json={"ids": [1]})
    purged = await stranger.post(f"{PATH}/purge", json={"all": True})

    assert replayed.json()["replayed"] == []
    assert purged.json()["purged"] == 0
    assert await listed(client) == [2, 1]
