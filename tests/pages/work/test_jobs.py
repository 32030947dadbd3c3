"""Jobs on pages: the list and its search, one with its attempts, and what is done to it."""

import re

import pytest
from redis.asyncio import Redis

from services.worker.work import Complete, Dead, Retry
from shared.schemas.jobs import FinalStatus, JobStatus
from tests.pages.browser import Browser, enter, make_user
from tests.pages.work import filling

JOBS = "/t/1/jobs"


async def test_an_empty_list_says_how_a_job_is_made(owner: Browser) -> None:
    page = await owner.open(JOBS)

    assert page.status == 200
    assert "No jobs yet" in page.text
    assert f"{JOBS}/new" in page.links


async def test_jobs_are_listed_with_state_and_last_answer(owner: Browser, redis: Redis) -> None:
    await filling.dead(redis, 2)
    await filling.made(redis, queue="mail", url="https://mail.example.com/send", delay=60)

    page = await owner.open(JOBS)

    assert "3 jobs" in page.text
    assert page.text.index("https://mail.example.com/send") < page.text.index(filling.URL)
    assert page.text.count("server error 503") == 2
    assert {f"{JOBS}/{number}" for number in (1, 2, 3)} <= set(page.links)


async def test_any_of_many_queues_can_be_chosen_and_each_is_found_by_its_name(
    owner: Browser, redis: Redis
) -> None:
    names = [f"queue {number:03}" for number in range(120)]
    for name in reversed(names):
        await filling.made(redis, queue=name)
    await filling.ended(redis, [Dead()])

    for path in (JOBS, "/t/1/dead-letters", "/t/1/dead-letters?view=one"):
        page = (await owner.open(path)).response.text
        assert re.findall(r'<option value="\d+">(queue \d+)</option>', page) == names


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?status=pending", [3]),
        ("?status=dead_lettered", [1, 2]),
        ("?q=host:mail.example.com", [3]),
        ("?queue=1", [1, 2]),
        ("?q=code:503&status=dead_lettered&queue=1", [1, 2]),
        ("?q=nowhere", []),
        ("?status=unheard-of", [1, 2, 3]),
        ("?queue=99", []),
        ("?queue=0x1&page=-3", [1, 2, 3]),
    ],
)
async def test_the_address_says_which_are_shown(
    owner: Browser, redis: Redis, query: str, shown: list[int]
) -> None:
    await filling.dead(redis, 2)
    await filling.made(redis, queue="mail", url="https://mail.example.com/send", delay=60)

    page = await owner.open(f"{JOBS}{query}")

    assert page.status == 200
    assert [number for number in (1, 2, 3) if f"{JOBS}/{number}" in page.links] == shown
    assert shown or "No job fits" in page.text


async def test_a_search_that_cannot_be_understood_is_said_at_its_field(owner: Browser, redis: Redis) -> None:
    await filling.made(redis)

    page = await owner.open(f"{JOBS}?q=stauts:failed")
    long = await owner.open(f"{JOBS}?q={'x' * 600}")

    assert (page.status, long.status) == (422, 422)
    assert "did you mean status" in page.text
    assert page.forms[-1].fields["q"] == "stauts:failed"
    assert "500" in long.text


async def test_a_page_of_many_keeps_what_was_asked(owner: Browser, redis: Redis) -> None:
    await filling.made(redis, 60)

    page = await owner.open(f"{JOBS}?status=pending&page=2")

    assert "26 to 50 of 60" in page.text
    assert f"{JOBS}?status=pending&page=3" in page.links


async def test_a_job_shows_its_way_and_the_attempt_that_is_chosen(owner: Browser, redis: Redis) -> None:
    first = await filling.died_slowly(redis)

    last, chosen = await owner.open(f"{JOBS}/{first}"), await owner.open(f"{JOBS}/{first}?attempt=1")

    assert "Dead letter Three attempts in" in last.text
    assert [last.text.count(f"Attempt {number}") for number in (1, 2, 3)] == [1, 1, 2]
    assert chosen.text.count("Attempt 1") == 2
    assert (
        "The target took 321 ms of 388 ms. It was connected to 203.0.113.24 anew, by worker vm:2."
        in last.text
    )
    assert '"error" : "down"' in last.text
    assert "••••••••" in last.text
    assert f"{JOBS}/{first}/replay" in last.links
    assert f"{JOBS}/{first}/cancel" not in last.links


async def test_a_retry_is_shown_in_its_chain(owner: Browser, redis: Redis) -> None:
    first = await filling.died_slowly(redis)
    retry = (await filling.job(redis, first)).retry_ids[0]

    page = await owner.open(f"{JOBS}/{retry}")

    assert f"Job {first}" in page.text
    assert page.text.count("Attempt 2") == 2


async def test_a_job_that_went_well_at_last_is_completed(owner: Browser, redis: Redis) -> None:
    (first,) = await filling.made(redis)
    await filling.ended(redis, [Retry(1), Complete()], "fine")

    page = await owner.open(f"{JOBS}/{first}")

    assert "Completed Two attempts, the last one answered 200" in page.text
    assert "fine" in page.text


async def test_a_body_of_a_megabyte_is_cut_and_said_so(owner: Browser, redis: Redis) -> None:
    (first,) = await filling.made(redis, body="y" * 1_000_000, payload=None)
    await filling.ended(redis, [Complete()], "x" * 900_000)

    page = await owner.open(f"{JOBS}/{first}")

    assert page.status == 200
    assert len(page.response.text) < 200_000
    assert page.text.count("The beginning: more was there than is kept or shown here.") == 2


@pytest.mark.parametrize("path", ["/99", "/0", "/x", "/1?attempt=7", "/99/cancel", "/new?copy=99"])
async def test_what_is_not_there_is_not_found(owner: Browser, redis: Redis, path: str) -> None:
    await filling.made(redis)

    page = await owner.open(f"{JOBS}{path}")

    assert page.status == 404
    assert "There is no such page" in page.text


async def test_a_member_cancels_a_job_that_waits(member: Browser, redis: Redis) -> None:
    (first,) = await filling.made(redis, delay=60)

    asked = await member.open(f"{JOBS}/{first}/cancel")
    page = await member.send(asked)
    again = await member.send(asked)

    assert (page.path, again.path) == (f"{JOBS}/{first}", f"{JOBS}/{first}")
    assert "Cancelled Nothing more is sent" in page.text
    assert (await filling.job(redis, first)).status == JobStatus.FAILED


async def test_what_has_ended_is_not_cancelled(owner: Browser, redis: Redis) -> None:
    (first,) = await filling.dead(redis)

    page = await owner.send(await owner.open(f"{JOBS}/{first}/cancel"))

    assert page.status == 409
    assert "The job has ended; there is nothing to cancel." in page.text


async def test_a_dead_letter_is_replayed_once(owner: Browser, redis: Redis) -> None:
    (first,) = await filling.dead(redis)
    asked = await owner.open(f"{JOBS}/{first}/replay")

    page, again = await owner.send(asked), await owner.send(asked)
    other = await owner.send(await owner.open(f"{JOBS}/{first}/replay"))
    before = await owner.open(f"{JOBS}/{first}")

    assert (page.path, again.path) == (f"{JOBS}/2", f"{JOBS}/2")
    assert other.status == 409
    assert "It was replayed as job 2" in before.text
    assert f"{JOBS}/{first}/replay" not in before.links
    assert "Replayed One attempt" in before.text
    assert await filling.count(redis) == 2


async def test_a_job_is_deleted_with_its_chain(owner: Browser, redis: Redis) -> None:
    first = await filling.died_slowly(redis)

    page = await owner.send(await owner.open(f"{JOBS}/{first}/delete"))

    assert page.path == JOBS
    assert "No jobs yet" in page.text
    assert (await owner.open(f"{JOBS}/{first}")).status == 404


async def test_two_teams_never_see_each_other(owner: Browser, other: Browser, redis: Redis) -> None:
    await filling.dead(redis)
    await enter(other, redis, await make_user(redis, "else@example.com", "elsewhere"))

    listed = await other.open("/t/2/jobs")
    paths = ("jobs/1", "jobs/1/cancel", "jobs/1/delete", "jobs/new?copy=1", "queues/1", "dead-letters/1")
    foreign = [await other.open(f"/t/2/{path}") for path in paths]
    sent = [await other.post(f"/t/2/jobs/1/{act}") for act in ("cancel", "delete", "replay")]

    assert "No jobs yet" in listed.text
    assert {page.status for page in [*foreign, *sent]} == {404}
    assert (await filling.job(redis, 1)).final_status == FinalStatus.DEAD_LETTERED
