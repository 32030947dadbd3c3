"""How a search walks through what is stored: each row once, newest first, in steps that are bounded."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from services.worker.work import Retry
from shared.actions import crons, jobs
from shared.actions.searches import crons as of_crons
from shared.actions.searches import jobs as of_jobs
from shared.actions.searches.looks import host_of
from shared.schemas.crons import CronCreate, CronQuery
from shared.schemas.jobs import JobCreate, JobQuery
from shared.store import paging, transitions
from shared.store.keyspace import Team
from shared.store.transitions import Below, Seen, SeenCron
from tests.calls import call_of
from tests.dead import end_all

LONG = "n" * 14_000
INDEXES = ("x:1:one", "x:1:two", "x:1:three", "x:1:empty")


@pytest.mark.parametrize("size", [1, 63, 64, 65, 149, 299, 300, 500])
async def test_ids_of_several_lists_come_once_and_highest_first(redis: Redis, team: Team, size: int) -> None:
    for one in range(1, 301):
        await redis.zadd(team.prefix + INDEXES[one % 7 % 3], {str(one): one})

    found, seen = list[int](), Seen(0, 0, True, list[int]())
    while seen.has_more:
        seen = await transitions.list_below(redis, team, Below(INDEXES, seen.last, size))
        assert 0 < seen.size <= size
        found += seen.rows

    assert found == list(range(300, 0, -1))


async def test_what_comes_or_goes_meanwhile_shifts_no_row(redis: Redis, team: Team) -> None:
    await redis.zadd(team.prefix + INDEXES[0], {str(one): one for one in range(1, 701)})

    async def read(ids: Sequence[int]) -> list["_Row"]:
        await redis.zadd(team.prefix + INDEXES[1], {str(one + 1_000): one + 1_000 for one in ids})
        await redis.zrem(team.prefix + INDEXES[0], *ids)
        return [_Row(one) for one in ids]

    walk = paging.Walk(INDEXES, paging.by_ids(redis, team, read), lambda _row: True)

    assert await paging.search(walk, 1_000) == (list(range(700, 0, -1)), None, None)


@pytest.mark.parametrize(
    ("each", "most", "sizes"),
    [
        (0, 400, [100, 200, 200, 200, 200, 200, 100]),
        (19, 400, [100, 200, 200, 200, 200, 200, 100]),
        (20, 400, [100] * 12),
        (19, 160, [100, 200, 200, 200, 100, 100, 100, 100, 100]),
        (100, 280, [100] * 3),
    ],
)
async def test_where_little_is_found_two_steps_are_one(
    monkeypatch: pytest.MonkeyPatch, each: int, most: int, sizes: list[int]
) -> None:
    monkeypatch.setattr(paging, "SEARCH_LIMIT", 1_200)
    asked = list[int]()

    async def look(below: Below) -> Seen[_Row]:
        asked.append(below.size)
        return Seen(below.size, 5_000 - sum(asked), True, [_Row(one) for one in range(each)])

    found = await paging.search(paging.Walk((), look, lambda _row: True), most)

    assert (asked, found.looked_at, len(found.ids)) == (sizes, sum(sizes), each * len(sizes))


@pytest.mark.parametrize("kept", [401, 500])
async def test_a_search_that_looked_at_all_when_it_had_enough_says_nothing(
    redis: Redis, team: Team, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr(paging, "PAGE_FOUND", kept)
    await _make(redis, team, 500)

    page = await jobs.page(redis, team, JobQuery(q="queue:q"))

    assert (page.total, page.looked_at) == (500, None)


async def test_a_step_ends_early_where_texts_are_long(redis: Redis, team: Team) -> None:
    await _make(redis, team, 60, note=LONG)

    seen = await _look(redis, team, "-payload.note:nothing")

    assert 10 < seen.size < 50
    assert (seen.has_more, seen.last) == (True, 61 - seen.size)


async def test_of_retries_what_the_first_job_has_counts(redis: Redis, team: Team) -> None:
    await _make(redis, team, 60, note=LONG)
    await end_all(redis, Retry(600_000))

    seen = await _look(redis, team, "-payload.note:nothing", "retrying", "pending")

    assert 10 < seen.size < 50
    assert seen.has_more


async def test_a_retry_is_found_by_what_the_first_job_has_among_others(redis: Redis, team: Team) -> None:
    await _make(redis, team, 1, order="wanted")
    await end_all(redis, Retry(600_000))  # the retry has no text of its own
    await _make(redis, team, 15, order="other")

    seen = await _look(redis, team, "payload.order:wanted", "pending")

    assert [row.id for row in seen.rows] == [2]


@pytest.mark.parametrize("q", ["-code:500", "example -code:500"])
async def test_long_runs_end_a_step_early_too(redis: Redis, team: Team, q: str) -> None:
    await _make(redis, team, 60)
    run = json.dumps([1, 200, 1, 1, LONG[:8_000], {}, False, None, None])
    await end_all(redis, Retry(600_000), run=run)

    seen = await _look(redis, team, q, "retrying", "pending")

    assert seen.size < 120
    assert seen.has_more


async def test_steps_that_end_early_find_and_say_the_same(
    redis: Redis, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "_CHUNK", 40)
    await _make(redis, team, 100, note=LONG)

    whole = await jobs.page(redis, team, JobQuery(q="payload.note:nnn*", per_page=100))
    monkeypatch.setattr(paging, "PAGE_FOUND", 30)
    enough = await jobs.page(redis, team, JobQuery(q="payload.note:nnn*", per_page=100))

    assert (whole.total, whole.looked_at) == (100, None)
    assert [job.id for job in whole.data] == list(range(100, 0, -1))
    assert (enough.total, enough.looked_at) == (40, 40)


@pytest.mark.parametrize("more", [0, 30])
async def test_of_a_payload_the_beginning_is_looked_at(redis: Redis, team: Team, more: int) -> None:
    await _make(redis, team, 30, first=1, note=LONG, more="m" * 4_000, last="2")
    await _make(redis, team, more)

    first = await jobs.page(redis, team, JobQuery(q="payload.first:1"))
    last = await jobs.page(redis, team, JobQuery(q="-payload.last:3 payload.last:2"))

    assert (first.total, last.total) == (30, 0)


async def test_a_job_of_a_queue_that_is_gone_ends_no_search(redis: Redis, team: Team) -> None:
    await _make(redis, team, 3)
    await redis.hdel(f"{team.prefix}j:{team.id}:2", "queue")  # type: ignore[misc]

    page = await jobs.page(redis, team, JobQuery(q="host:a.example"))

    assert [job.id for job in page.data] == [3, 1]


async def test_crons_are_looked_at_in_steps(
    redis: Redis, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "_CHUNK", 2)
    for number in range(7):
        made = CronCreate(
            name=f"cron {number}",
            url="https://a.example",
            cron_expression="0 3 * * *",
            is_active=number % 3 > 0,
        )
        await crons.create(call_of(redis, team), made)

    page = await crons.page(redis, team, CronQuery(q="host:a.example -status:ended"))
    paused = await crons.page(redis, team, CronQuery(q="status:paused"))

    assert ([cron.id for cron in page.data], page.looked_at) == ([7, 6, 5, 4, 3, 2, 1], None)
    assert [cron.id for cron in paused.data] == [7, 4, 1]


async def test_crons_that_are_looked_at_by_id_are_those(redis: Redis, team: Team) -> None:
    for number in range(3):
        made = CronCreate(name=f"cron {number}", url="https://a.example", cron_expression="0 3 * * *")
        await crons.create(call_of(redis, team), made)
    wanted = await of_crons.understood(redis, team, "host:a.example")

    seen = await transitions.look_at_crons(redis, team, [3, 1, 9], wanted.hints(), most_bytes=8_000)

    assert [SeenCron.of(text).id for text in seen.rows] == ["3", "1"]


@pytest.mark.parametrize(
    "url",
    [
        "https://A.Example.com/x?y#z",
        "http://user:secret@b.example:8080/",
        "https://c.example?x=/",
        "https://d.example#x",
        "HTTPS://e.example/",
        "https://[2001:db8::1]:443/x",
        "https://f.exa\tmple/x",
        "//g.example/x",
        "h.example",
        "",
    ],
)
def test_the_host_is_that_of_the_url(url: str) -> None:
    assert host_of(url) == host_of(url) == urlsplit(url).hostname


class _Row(NamedTuple):
    id: int


async def _make(redis: Redis, team: Team, n: int, **payload: Any) -> None:
    job = JobCreate(queue="q", url="https://a.example/x", payload=payload)
    for start in range(0, n, 500):
        await jobs.create_many(call_of(redis, team), [job] * min(500, n - start))


async def _look(redis: Redis, team: Team, q: str, *states: str) -> Seen[Any]:
    wanted = await of_jobs.understood(redis, team, q)
    below = Below([f"x:{team.id}:{state}" for state in states or ("pending",)], 0, 250)
    return await jobs.looked_at(redis, team, below, wanted)
