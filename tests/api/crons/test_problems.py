"""Problems over REST: what fails alike is one of them, and what callers make of it."""

from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.targets import target_of
from services.worker.work import Cancelled, Complete, Dead, Fail, Result, Retry, Verdict, Work
from shared import clock
from shared.actions import jobs
from shared.schemas.jobs import JobCreate
from shared.store import keyspace, moments
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.writes import CRON

PATH = "/api/problems"
BROKEN, SLOW = "http_server_error 503", "timeout"
URL = "https://a.example/users/1"
FACTS = '{"error_message":"The target answered with status 503."}'
MINUTE, DAY = 60_000, 86_400_000


class Worker:
    """Work that ends as a test says, at the moment of the installation or so much later."""

    def __init__(self, redis: Redis, team: Team) -> None:
        self.redis, self.team = redis, team
        self.claims = Claims(redis, keyspace.SHARDS[0], "w")

    async def end(self, verdict: Verdict, reason: str = BROKEN, url: str = URL, later: int = 0) -> list[Work]:
        now = await self.now() + later
        works = [one for one in await self.claims.claim(500, now) if one.kind != "n"]
        went_well = isinstance(verdict, Complete | Cancelled)
        why = ("", "") if went_well else (reason, FACTS)
        target = "" if went_well else target_of(url)
        await self.claims.finish(
            [Result(work, verdict, "[1,503,1,1]", "", *why, target=target) for work in works], now
        )
        return works

    async def job(self, verdict: Verdict, reason: str = BROKEN, url: str = URL, queue: str = "mail") -> int:
        made = await jobs.create(call_of(self.redis, self.team), JobCreate(queue=queue, url=url))
        await self.end(verdict, reason, url)
        return made.id

    async def now(self) -> int:
        return clock.milliseconds(await moments.now(self.redis, self.team.shard))


@pytest.fixture
def worker(redis: Redis, team: Team) -> Worker:
    return Worker(redis, team)


async def listed(client: httpx.AsyncClient, query: str = "") -> list[dict[str, Any]]:
    answer = await client.get(f"{PATH}{query}")
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def one(client: httpx.AsyncClient, problem: int = 1) -> dict[str, Any]:
    answer = await client.get(f"{PATH}/{problem}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def test_failures_that_are_alike_are_one_problem(client: httpx.AsyncClient, worker: Worker) -> None:
    await worker.job(Dead(), url="https://a.example/users/1?x=1")
    last = await worker.job(Dead(), url="https://a.example/users/2")

    (problem,) = await listed(client)

    assert {**problem, "quarters": sum(problem["quarters"])} == {
        "id": 1,
        "state": "open",
        "until": None,
        "failure_reason": "http_server_error",
        "response_status": 503,
        "host": "a.example",
        "path": "/users/{id}",
        "queue_id": 1,
        "cron_id": None,
        "name": "mail",
        "count": 2,
        "first_seen_at": problem["first_seen_at"],
        "last_seen_at": problem["last_seen_at"],
        "recovered_at": None,
        "dead_letters": 2,
        "quarters": 2,
        "quarters_from": problem["quarters_from"],
        "job_id": last,
        "execution_id": None,
        "error_message": "The target answered with status 503.",
    }
    assert (len(problem["quarters"]), problem["quarters"][-2:].count(0)) == (96, 1)
    assert await one(client) == problem


async def test_another_reason_status_host_path_or_queue_is_another_problem(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    await worker.job(Fail())
    await worker.job(Fail(), reason=SLOW)
    await worker.job(Fail(), reason="http_server_error 500")
    await worker.job(Fail(), url="https://b.example/users/1")
    await worker.job(Fail(), url="https://a.example/orders/1")
    await worker.job(Fail(), queue="other")

    assert [problem["count"] for problem in await listed(client)] == [1] * 6
    assert [problem["id"] for problem in await listed(client, "?queue_id=2")] == [6]
    assert [problem["id"] for problem in await listed(client, "?cron_id=2")] == []
    assert [problem["id"] for problem in await listed(client, "?queue_id=1&cron_id=1")] == []
    assert [problem["id"] for problem in await listed(client, "?search=b.example")] == [4]
    assert [problem["id"] for problem in await listed(client, "?search=orders+A_Example")] == [5]
    page = (await client.get(f"{PATH}?per_page=4&page=2")).json()
    assert (len(page["data"]), page["total"], page["last_page"]) == (2, 6, 2)


async def test_a_search_passes_over_one_that_is_damaged(
    client: httpx.AsyncClient, redis: Redis, worker: Worker
) -> None:
    await worker.job(Fail())
    await worker.job(Fail(), reason=SLOW)
    await redis.hdel(f"{worker.team.prefix}problem:{worker.team.id}:1", "reason")  # type: ignore[misc]

    assert [problem["id"] for problem in await listed(client, "?search=a.example")] == [2]


async def test_those_of_a_queue_or_cron_are_found_among_all_and_by_their_state_now(
    client: httpx.AsyncClient, redis: Redis, worker: Worker
) -> None:
    """More than one look at a list has; the first is ignored until a moment that is past. A list that is wrong
    of one is right of the others."""
    for number in range(205):
        await jobs.create(call_of(redis, worker.team), JobCreate(queue="mail", url=URL))
        await worker.end(Dead(), url=f"https://h{number}.example/", later=number)
    await worker.job(Dead(), queue="post")
    await client.post("/api/crons", json=CRON)
    await client.post("/api/crons/1/run")
    await worker.end(Fail())
    for problem in (1, 2):
        await client.patch(f"{PATH}/{problem}", json={"state": "ignored"})
    await redis.hset(f"{worker.team.prefix}problem:1:1", "until", str(await worker.now() - 1))  # type: ignore[misc]
    await redis.zadd(f"{worker.team.prefix}x:1:q1:problems", {"206": 206, "999": 999})

    async def ids(query: str) -> tuple[list[int], int]:
        answer = (await client.get(f"{PATH}?{query}")).json()
        return [one["id"] for one in answer["data"]], answer["total"]

    assert await ids("queue_id=1&per_page=3") == ([205, 204, 203], 205)
    assert await ids("queue_id=1&per_page=3&page=68") == ([4, 3, 2], 205)
    assert await ids("queue_id=1&state=ignored") == ([2], 1)
    assert await ids("queue_id=1&state=open&search=h0.example") == ([1], 1)
    assert await ids("queue_id=2") == ([206], 1)
    assert await ids("cron_id=1") == ([207], 1)
    assert await ids("cron_id=2") == ([], 0)
    assert await ids("cron_id=1&queue_id=1") == ([], 0)


async def test_the_one_that_was_seen_last_comes_first(
    client: httpx.AsyncClient, redis: Redis, worker: Worker
) -> None:
    await worker.job(Fail())
    await worker.job(Fail(), reason=SLOW)
    await jobs.create(call_of(redis, worker.team), JobCreate(queue="mail", url=URL))
    await worker.end(Fail(), later=MINUTE)

    assert [problem["id"] for problem in await listed(client)] == [1, 2]


async def test_each_attempt_counts_and_the_dead_letter_names_its_problem(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    job = await worker.job(Retry(1), reason=SLOW)
    await worker.end(Dead(), later=5000)

    assert {problem["id"]: problem["dead_letters"] for problem in await listed(client)} == {1: 0, 2: 1}
    (dead,) = (await client.get("/api/dead-letters")).json()["data"]
    assert (dead["id"], dead["problem_id"]) == (job, 2)
    assert (await one(client, 2))["job_id"] == job


async def test_what_was_cancelled_or_went_well_is_no_problem(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    await worker.job(Complete())
    await worker.job(Cancelled())

    assert await listed(client) == []


async def test_dead_letters_are_listed_replayed_and_purged_by_problem(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    first = [await worker.job(Dead()) for _ in range(3)]
    other = await worker.job(Dead(), reason=SLOW)
    elsewhere = await worker.job(Dead(), queue="other")
    letters = "/api/dead-letters"

    async def ids(query: str) -> list[int]:
        return [job["id"] for job in (await client.get(f"{letters}?{query}")).json()["data"]]

    assert await ids("problem_id=1") == first[::-1]
    assert await ids("problem_id=1&queue_id=1&failure_reason=timeout") == []
    assert await ids("problem_id=1&queue_id=2") == []
    assert await ids("problem_id=3&queue_id=2") == [elsewhere]
    assert await ids("problem_id=77") == []

    await client.delete(f"/api/jobs/{first[0]}")
    assert (await one(client))["dead_letters"] == 2
    await client.post(f"{letters}/replay", json={"ids": [first[1]]})
    assert (await one(client))["dead_letters"] == 1
    purged = await client.post(f"{letters}/purge", json={"problem_id": 1, "queue_id": 2})
    assert purged.json()["purged"] == 0
    purged = await client.post(f"{letters}/purge", json={"problem_id": 1})
    assert purged.json()["purged"] == 1
    assert (await one(client))["dead_letters"] == 0
    replay = await client.post(f"{letters}/replay", json={"problem_id": 2})
    assert (replay.status_code, replay.json()["total"]) == (202, 1)
    assert await ids("") == [elsewhere, other]


async def test_a_purge_takes_problem_or_ids(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/dead-letters/purge", json={"problem_id": 1, "ids": [1]})

    assert answer.status_code == 422


async def test_states_are_set_and_shown(client: httpx.AsyncClient, worker: Worker) -> None:
    await worker.job(Fail())

    for body, state in (
        ({"state": "ignored"}, "ignored"),
        ({"state": "resolved"}, "resolved"),
        ({"state": "open", "until": None}, "open"),
        ({"state": "ignored", "until": "2026-01-01T00:00:00Z"}, None),
        ({"state": "ignored", "until": "2999-01-01T00:00:00Z"}, None),
        ({"state": "open", "until": "2999-01-01T00:00:00Z"}, None),
        ({"state": "gone"}, None),
        ({}, None),
    ):
        answer = await client.patch(f"{PATH}/1", json=body)
        assert answer.status_code == (200 if state else 422)
        if state:
            assert answer.json() == await one(client)
            assert [problem["id"] for problem in await listed(client, f"?state={state}")] == [1]
            others = {"open", "ignored", "resolved"} - {state}
            assert [await listed(client, f"?state={other}") for other in others] == [[], []]
    trail = (await client.get("/api/audit?about=problem:1")).json()["data"]
    assert [line["operation"] for line in trail] == ["update-problem"] * 3


async def test_what_was_resolved_is_open_when_it_comes_again(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    await worker.job(Fail())
    await client.patch(f"{PATH}/1", json={"state": "resolved"})

    await worker.job(Fail())

    assert [(one["id"], one["state"], one["count"]) for one in await listed(client)] == [(1, "open", 2)]


async def test_what_is_ignored_until_a_moment_is_open_from_then_on(
    client: httpx.AsyncClient, redis: Redis, worker: Worker
) -> None:
    await worker.job(Fail())
    until = clock.moment(await worker.now() + MINUTE)
    await client.patch(f"{PATH}/1", json={"state": "ignored", "until": until.isoformat()})

    await worker.job(Fail())
    assert ((await one(client))["state"], (await one(client))["until"]) == (
        "ignored",
        until.isoformat(timespec="seconds"),
    )
    await redis.hset(f"{worker.team.prefix}problem:1:1", "until", str(await worker.now() - 1))  # type: ignore[misc]
    assert [(one["id"], one["until"]) for one in await listed(client, "?state=open")] == [(1, None)]
    assert await listed(client, "?state=ignored") == []
    await worker.job(Fail())

    assert (await one(client))["state"] == "open"
    assert await redis.zrange(f"{worker.team.prefix}x:1:problems:open", 0, -1) == ["1"]


async def test_pages_of_a_state_have_what_is_in_it_now_in_one_order(
    client: httpx.AsyncClient, redis: Redis, worker: Worker
) -> None:
    """Of six that were seen one after the other, 2 and 5 are ignored; 2 was so until a moment that is past."""
    for number in range(6):
        await jobs.create(
            call_of(redis, worker.team), JobCreate(queue="mail", url=f"https://{number}.example/")
        )
        await worker.end(Fail(), url=f"https://{number}.example/", later=number * 1000)
    for problem in (2, 5):
        await client.patch(f"{PATH}/{problem}", json={"state": "ignored"})
    await client.patch(f"{PATH}/4", json={"state": "resolved"})
    await redis.hset(f"{worker.team.prefix}problem:1:2", "until", str(await worker.now() - 1))  # type: ignore[misc]

    async def pages(state: str) -> tuple[list[list[int]], set[int]]:
        answers = [
            (await client.get(f"{PATH}?state={state}&per_page=2&page={number}")).json()
            for number in (1, 2, 3)
        ]
        return [[one["id"] for one in page["data"]] for page in answers], {one["total"] for one in answers}

    assert await pages("open") == ([[6, 3], [2, 1], []], {4})
    assert await pages("ignored") == ([[5], [], []], {1})
    assert await pages("resolved") == ([[4], [], []], {1})


async def test_a_cron_that_works_again_resolves_its_problems(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    await client.post("/api/crons", json=CRON)

    async def run(verdict: Verdict) -> dict[str, Any]:
        await client.post("/api/crons/1/run")
        await worker.end(verdict)
        return await one(client)

    seen = [await run(verdict) for verdict in (Fail(), Fail(), Complete())]
    assert [(one["state"], one["count"]) for one in seen] == [("open", 1), ("open", 2), ("resolved", 2)]
    assert (seen[0]["cron_id"], seen[0]["execution_id"], seen[0]["name"]) == (1, 1, "ping")
    assert seen[1]["recovered_at"] is None
    assert seen[2]["recovered_at"]

    again = await run(Fail())
    assert (again["state"], again["recovered_at"]) == ("open", None)
    await client.patch(f"{PATH}/1", json={"state": "ignored"})
    assert (await run(Fail()))["state"] == "ignored"
    assert (await run(Complete()))["state"] == "resolved"
    assert (await run(Fail()))["state"] == "open"

    later = clock.moment(await worker.now() + DAY).isoformat()
    await client.patch(f"{PATH}/1", json={"state": "ignored", "until": later})
    assert (await run(Complete()))["state"] == "ignored"
    assert (await run(Fail()))["state"] == "ignored"


async def test_an_ignored_problem_of_a_queue_is_open_once_it_recovered_and_was_quiet(
    client: httpx.AsyncClient, redis: Redis, worker: Worker
) -> None:
    await worker.job(Fail())
    await client.patch(f"{PATH}/1", json={"state": "ignored"})
    job = await worker.job(Retry(1))
    await worker.end(Complete(), later=5000)
    assert (await one(client))["recovered_at"]
    assert (await client.get(f"/api/jobs/{job}")).json()["final_status"] == "success"

    await worker.job(Fail())
    assert ((await one(client))["state"], (await one(client))["recovered_at"]) == ("ignored", None)

    await worker.job(Retry(1))
    await worker.end(Complete(), later=5000)
    await jobs.create(call_of(redis, worker.team), JobCreate(queue="mail", url=URL))
    await worker.end(Fail(), later=61 * MINUTE)
    assert (await one(client))["state"] == "open"


async def test_nothing_names_a_problem_that_is_gone(
    client: httpx.AsyncClient, redis: Redis, worker: Worker
) -> None:
    await client.post("/api/queues", json={"name": "mail", "alerts_enabled": True})
    gone = await worker.job(Dead())
    kept = await worker.job(Dead(), reason=SLOW)
    await redis.delete(f"{worker.team.prefix}problem:1:1")

    jobs_named = {job["id"]: job["problem_id"] for job in (await client.get("/api/jobs")).json()["data"]}
    dead = {job["id"]: job["problem_id"] for job in (await client.get("/api/dead-letters")).json()["data"]}
    told = [alert["data"]["problem_id"] for alert in (await client.get("/api/alerts")).json()["data"]]

    assert jobs_named == dead == {gone: None, kept: 2}
    assert (await client.get(f"/api/jobs/{gone}")).json()["problem_id"] is None
    assert told == [2, None]
    again = await worker.job(Dead())
    assert (await client.get(f"/api/jobs/{again}")).json()["problem_id"] == 1


async def test_problems_of_another_team_are_not_there(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, worker: Worker
) -> None:
    await worker.job(Dead())

    assert await listed(stranger) == []
    for answer in (
        await stranger.get(f"{PATH}/1"),
        await client.get(f"{PATH}/2"),
        await stranger.patch(f"{PATH}/1", json={"state": "open"}),
    ):
        assert (answer.status_code, answer.json()) == (404, {"error": "Problem not found"})
    assert (await stranger.get("/api/dead-letters?problem_id=1")).json()["data"] == []
