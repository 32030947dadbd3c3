"""Queues on pages: the list, one with its limits, keys and figures, and its settings."""

import pytest
from redis.asyncio import Redis

from shared.actions import queues
from shared.errors import NotFound
from shared.schemas.queues import Queue, QueueUpdate, RateLimit
from tests.calls import call_of
from tests.pages.browser import Browser
from tests.pages.work import filling
from tests.pages.work.filling import SHOP

QUEUES = "/t/1/queues"
ONE = f"{QUEUES}/1"


async def queue(redis: Redis, queue_id: int = 1) -> Queue:
    return await queues.get(redis, SHOP, queue_id)


async def change(redis: Redis, **fields: object) -> None:
    await queues.update(call_of(redis, SHOP), 1, QueueUpdate.model_validate(fields))


async def test_an_empty_list_says_how_a_queue_is_made(owner: Browser) -> None:
    page = await owner.open(QUEUES)

    assert "No queues yet" in page.text
    assert f"{QUEUES}/new" in page.links


async def test_the_list_says_what_holds_each_back(owner: Browser, redis: Redis) -> None:
    await filling.dead(redis, 2)
    await filling.made(redis, 3, delay=60)
    before = await owner.open(QUEUES)
    await owner.send(before, f"{ONE}/pause?from=list")

    page = await owner.open(QUEUES)

    assert "What waits is due later, or starts when a worker has room." in before.text
    assert "It is paused. 3 jobs wait." in page.text
    assert "/t/1/dead-letters?queue=1" in page.links
    assert f"{ONE}/resume?from=list" in [form.action for form in page.forms]


async def test_many_queues_are_searched_and_paged(owner: Browser, redis: Redis) -> None:
    for number in range(30):
        await filling.made(redis, queue=f"mail-{number}", delay=60)

    first, second = await owner.open(QUEUES), await owner.open(f"{QUEUES}?page=2")
    found, none = await owner.open(f"{QUEUES}?search=mail-29"), await owner.open(f"{QUEUES}?search=nothing")

    assert "30 queues" in first.text
    assert "26 to 30 of 30" in second.text
    assert "1 queue found" in found.text
    assert "No name has “nothing” in it." in none.text


async def test_a_queue_shows_its_figures_and_newest_jobs(owner: Browser, redis: Redis) -> None:
    await filling.dead(redis, 12)

    page = await owner.open(ONE)

    assert page.status == 200
    assert "Active Nothing waits." in page.text
    assert "Dead letters 12 kept 14 days" in page.text
    assert "12 starts, 12 failed" in page.text
    assert "tried again after 1 min, 30 min, 3 h, 3 h 31 min in all" in page.text
    assert "/t/1/jobs?queue=1" in page.links


async def test_a_member_pauses_and_resumes_it(member: Browser, redis: Redis) -> None:
    await filling.made(redis, delay=60)

    paused = await member.send(await member.open(ONE), f"{ONE}/pause")
    was_active = (await queue(redis)).is_active
    resumed = await member.send(paused, f"{ONE}/resume")

    assert (paused.path, was_active) == (ONE, False)
    assert "It is paused. 1 job waits." in paused.text
    assert (resumed.path, (await queue(redis)).is_active) == (ONE, True)


async def test_settings_are_changed_and_shown_again(owner: Browser, redis: Redis) -> None:
    await filling.made(redis, delay=60)

    page = await owner.send(
        await owner.open(ONE),
        max_parallelism="40",
        rate_limit="3",
        rate_limit_seconds="10",
        key_max_parallelism="2",
        retry_delays="5, 10",
        labels="team: billing",
        alerts_enabled="on",
        retries_enabled=None,
        weight="7",
    )
    found = await queue(redis)
    again = await owner.send(page)

    assert (page.path, again.path) == (ONE, ONE)
    assert (found.max_parallelism, found.weight, found.key_max_parallelism) == (40, 7, 2)
    assert found.rate_limit == RateLimit(count=3, per_seconds=10)
    assert (found.retry_delays, found.labels) == ((5, 10), {"team": "billing"})
    assert (found.retries_enabled, found.alerts_enabled) == (False, True)
    assert await queue(redis) == found


async def test_what_the_form_does_not_have_stays(owner: Browser, redis: Redis) -> None:
    await filling.made(redis, delay=60)
    await change(redis, success_assertions=[{"type": "body_contains", "value": "ok"}], is_active=False)

    await owner.send(await owner.open(ONE), name="renamed")
    found = await queue(redis)

    assert (found.name, found.is_active, len(found.success_assertions)) == ("renamed", False, 1)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": ""}, "name"),
        ({"max_parallelism": "many"}, "max_parallelism"),
        ({"rate_limit": "0"}, "rate_limit"),
        ({"retry_delays": "soon"}, "retry_delays"),
        ({"labels": "a b: c"}, "labels"),
        ({"weight": "101"}, "weight"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field(
    owner: Browser, redis: Redis, typed: dict[str, str], field: str
) -> None:
    await filling.made(redis, delay=60)
    before = await queue(redis)

    changed = await owner.send(await owner.open(ONE), **typed)
    made = await owner.send(await owner.open(f"{QUEUES}/new"), **{"name": "other", **typed})

    for page in (changed, made):
        assert page.status == 422
        assert f'id="{field}-wrong"' in page.response.text
    assert changed.form(ONE).fields[field] == typed[field]
    assert await queue(redis) == before


async def test_a_change_of_somebody_else_is_shown_first(owner: Browser, redis: Redis) -> None:
    await filling.made(redis, delay=60)
    form = await owner.open(ONE)
    await change(redis, max_parallelism=9)

    told = await owner.send(form, weight="7")
    between = await queue(redis)
    page = await owner.send(told, weight="7")

    assert told.status == 409
    assert "Somebody else changed this queue" in told.text
    assert "of 9" in told.text
    assert between.weight == 1
    assert (page.path, (await queue(redis)).weight) == (ONE, 7)


async def test_a_queue_is_made_once(owner: Browser, redis: Redis) -> None:
    form = await owner.open(f"{QUEUES}/new")

    made, again = await owner.send(form, name="mail"), await owner.send(form, name="mail")
    other = await owner.send(await owner.open(f"{QUEUES}/new"), name="mail")

    assert (made.path, again.path) == (ONE, ONE)
    assert other.status == 422
    assert "another queue of the team has it" in other.text
    assert (await queue(redis)).retry_delays == (60, 1800, 10800)


async def test_a_key_is_paused_and_resumed(owner: Browser, redis: Redis) -> None:
    await filling.made(redis, delay=60)
    await change(redis, key_max_parallelism=1)

    paused = await owner.post(f"{ONE}/keys/pause", key="customer-7")
    resumed = await owner.send(paused, f"{ONE}/keys/resume")
    wrong = await owner.post(f"{ONE}/keys/pause", key="\n")

    assert "customer-7 paused" in paused.text
    assert "Nothing waits or runs now." in resumed.text
    assert wrong.status == 404


async def test_a_queue_is_deleted_with_its_jobs(owner: Browser, redis: Redis) -> None:
    await filling.made(redis, 2, delay=60)

    page = await owner.send(await owner.open(f"{ONE}/delete"))

    assert page.path == QUEUES
    with pytest.raises(NotFound):
        await queue(redis)


@pytest.mark.parametrize("path", ["/9", "/9/delete", "/0", "/x"])
async def test_what_is_not_there_is_not_found(owner: Browser, path: str) -> None:
    assert (await owner.open(f"{QUEUES}{path}")).status == 404
