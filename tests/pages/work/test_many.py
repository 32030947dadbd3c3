"""Jobs that are cancelled or deleted together: those that are chosen, or all that the list found."""

import pytest
from redis.asyncio import Redis

from shared.actions import jobs
from shared.schemas.jobs import JobQuery
from shared.store.keyspace import Team
from tests.pages.browser import Browser
from tests.pages.work import filling

JOBS, SHOP = "/t/1/jobs", Team(1)
BULK = f"{JOBS}/bulk"


async def left(redis: Redis) -> dict[int, str]:
    return {job.id: job.status.value for job in (await jobs.page(redis, SHOP, JobQuery())).data}


@pytest.mark.parametrize(
    ("action", "asked", "said", "then"),
    [
        ("cancel", "Cancel 2 jobs?", "2 cancelled.", {1: "failed", 2: "pending", 3: "failed"}),
        ("delete", "Delete 2 jobs?", "2 deleted.", {2: "pending"}),
    ],
)
async def test_those_that_are_chosen_are_done_after_a_question(
    owner: Browser, redis: Redis, action: str, asked: str, said: str, then: dict[int, str]
) -> None:
    await filling.made(redis, 3, delay=60)
    chosen = {"id-1": "on", "id-3": "on"}

    question = await owner.send(await owner.open(JOBS), BULK, action=action, **chosen)
    before = await left(redis)
    done = await owner.send(question, BULK)
    again = await owner.send(question, BULK)

    assert asked in question.text
    assert before == {1: "pending", 2: "pending", 3: "pending"}
    assert said in done.text
    assert said in again.text
    assert await left(redis) == then


@pytest.mark.parametrize(
    ("query", "then"),
    [
        ("?queue=2", [1, 2]),
        ("?q=host%3Amail.example.com", [1, 2]),
        ("?q=host%3Amail.example.com&status=pending&queue=2", [1, 2]),
        ("?status=pending", []),
    ],
)
async def test_all_that_were_found_are_meant_beyond_the_page(
    owner: Browser, redis: Redis, query: str, then: list[int]
) -> None:
    await filling.made(redis, 2, delay=60)
    await filling.made(redis, 30, queue="mail & more", url="https://mail.example.com/send", delay=60)
    many = 32 - len(then)
    page = await owner.open(f"{JOBS}{query}")

    question = await owner.send(page, f"{BULK}{query}", action="delete", **{"id-32": "on", "all": "on"})
    done = await owner.send(question, f"{BULK}{query}")

    assert f"All {many} that were found" in page.text
    assert f"Delete all {many} jobs?" in question.text
    assert f"{many} deleted." in done.text
    assert sorted(await left(redis)) == then


async def test_dead_letters_that_are_chosen_are_replayed_and_no_other_job(
    owner: Browser, redis: Redis
) -> None:
    await filling.dead(redis, 2)
    await filling.made(redis, delay=60)
    chosen = {"id-1": "on", "id-2": "on", "id-3": "on"}

    question = await owner.send(await owner.open(JOBS), BULK, action="replay", **chosen)
    before = await left(redis)
    done = await owner.send(question, BULK)
    again = await owner.send(question, BULK)
    anew = await owner.send(await owner.open(JOBS), BULK, action="replay", **chosen)

    assert "Replay 2 jobs?" in question.text
    assert "1 is left out: It is no dead letter" in question.text
    assert len(before) == 3
    assert "2 replayed. 1 is left out: It is no dead letter" in done.text
    assert "2 replayed." in again.text
    assert sorted(await left(redis)) == [1, 2, 3, 4, 5]
    assert "Replay 0 jobs?" in anew.text
    assert "It was replayed before." in anew.text
    assert "main-act" not in anew.response.text


async def test_dead_letters_are_chosen_one_by_one(owner: Browser, redis: Redis) -> None:
    await filling.dead(redis, 3)
    page = await owner.open("/t/1/dead-letters?view=one")
    bulk = f"{BULK}?status=dead_lettered"

    question = await owner.send(page, bulk, action="replay", **{"id-2": "on"})
    done = await owner.send(question, bulk)
    forced = await owner.send(page, bulk, action="replay", all="on")

    assert "Replay 1 job?" in question.text
    assert "1 replayed." in done.text
    assert forced.status == 422
    assert "Choose the dead letters that are to be replayed." in forced.text
    assert sorted(await left(redis)) == [1, 2, 3, 4]


async def test_nothing_is_done_to_more_than_were_counted(owner: Browser, redis: Redis) -> None:
    await filling.made(redis, 30, delay=60)
    page = await owner.open(f"{JOBS}?status=pending")
    question = await owner.send(
        page, f"{BULK}?status=pending", action="delete", **{"id-1": "on", "all": "on"}
    )
    await filling.made(redis, delay=60)

    done = await owner.send(question, f"{BULK}?status=pending")

    assert done.status == 422
    assert "31" in done.text
    assert len(await left(redis)) == 25


async def test_all_is_not_offered_where_nothing_was_looked_for(owner: Browser, redis: Redis) -> None:
    await filling.made(redis, 30, delay=60)

    page = await owner.open(JOBS)
    forced = await owner.send(page, BULK, action="delete", all="on", **{"id-1": "on"})

    assert "that were found" not in page.text
    assert forced.status == 422
    assert "No search says which ones are all of these." in forced.text
    assert len(await left(redis)) == 25


async def test_all_of_a_queue_that_no_search_can_name_are_not_taken_for_one(
    owner: Browser, redis: Redis
) -> None:
    await filling.made(redis, 30, queue='the "best" queue, *', delay=60)
    page = await owner.open(f"{JOBS}?queue=1")

    refused = await owner.send(page, f"{BULK}?queue=1", action="delete", **{"id-1": "on", "all": "on"})

    assert refused.status == 422
    assert "No search says" in refused.text


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "cancel"},
        {"id-1": "on"},
        {"action": "x", "id-1": "on"},
        {"action": "cancel", f"id-{'9' * 5000}": "on"},
    ],
)
async def test_nothing_chosen_changes_nothing(owner: Browser, redis: Redis, fields: dict[str, str]) -> None:
    await filling.made(redis, delay=60)

    page = await owner.post(BULK, **fields)

    assert page.status == 422
    assert await left(redis) == {1: "pending"}


async def test_a_job_that_has_ended_stays_as_it_is(owner: Browser, redis: Redis) -> None:
    await filling.dead(redis, 1)
    await filling.made(redis, delay=60)

    question = await owner.send(
        await owner.open(JOBS), BULK, action="cancel", **{"id-1": "on", "id-2": "on", "id-9": "on"}
    )
    done = await owner.send(question, BULK)

    assert "1 cancelled, 1 already so, 1 not there any more." in done.text


async def test_jobs_of_another_team_are_not_there(owner: Browser, redis: Redis) -> None:
    (theirs,) = await filling.made(redis, delay=60, team=Team(2))

    question = await owner.post(BULK, action="delete", **{f"id-{theirs}": "on"})
    done = await owner.send(question, BULK)

    assert "0 deleted, 1 not there any more." in done.text
    assert len((await jobs.page(redis, Team(2), JobQuery())).data) == 1
