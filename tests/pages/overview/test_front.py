"""The overview: whether anything needs somebody, what ran and comes, and what it runs on."""

import re
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from services.api.pages.overview import front
from services.scheduler.fire import fire_due
from services.scheduler.promote import promote_due
from services.worker.work import Complete
from shared.actions import crons, limits, queues
from shared.actions.accounts import tokens
from shared.runtime import health
from shared.schemas.accounts.tokens import TokenCreate
from shared.schemas.crons import CronCreate
from shared.schemas.queues import QueueUpdate
from shared.schemas.teams import MonthlyLimits
from shared.store import keyspace, moments
from shared.store.transitions import throttle_host, unthrottle_host
from tests.calls import call_of
from tests.pages.browser import Browser
from tests.pages.crons import filling
from tests.pages.crons.filling import SHARD, SHOP, a_cron
from tests.pages.work import filling as work

HOME = "/t/1"


async def all_run(redis: Redis) -> None:
    """A scheduler and a worker report."""
    await health.beat(redis, "scheduler")
    await health.beat(redis, "worker")


async def test_a_new_team_is_shown_three_ways_to_its_first_cron(owner: Browser) -> None:
    page = await owner.open("/")

    assert page.path == HOME
    assert page.text.count("Nothing runs here yet") == 2  # in the title of the window, and above the page
    assert {f"{HOME}/crons/new", f"{HOME}/settings/api"} <= set(page.links)
    assert "curl http://127.0.0.1" in page.text
    assert "with Recuro, and tell me when it fails twice." in page.text
    assert "The last hour" not in page.text


async def test_a_member_who_may_not_make_tokens_is_told_who_can(member: Browser) -> None:
    page = await member.open(HOME)

    assert page.status == 200
    assert "Ask an admin of the team for a token." in page.text
    assert f"{HOME}/settings/api" not in page.links


async def test_where_nothing_fails_everything_runs(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "ooo", name="Sync stock", cron_expression="*/15 * * * *")
    await all_run(redis)

    page = await owner.open(HOME)

    assert "Everything runs." in page.text
    assert "1 of 1 cron is healthy. 3 calls in the last hour, 100.0 % of them successful." in page.text
    assert "Sync stock" in page.text
    assert "Needs you" not in page.response.text
    assert "icon-failing" not in page.response.text


async def test_what_needs_somebody_comes_worst_first(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "oxx", name="Nightly invoices", cron_expression="0 * * * *")
    await work.dead(redis, 3)

    page = await owner.open(HOME)

    said = (
        "No scheduler runs",
        "No worker runs",
        "Nightly invoices has failed 2 times in a row",
        "3 dead letters",
    )
    assert "Four things need you." in page.text
    assert "icon-failing" in page.response.text
    assert sorted(said, key=page.text.index) == list(said)
    assert f"{HOME}/dead-letters/2" in page.links
    assert f"{HOME}/crons/1/run" in [form.action for form in page.forms]


async def test_run_now_runs_the_cron_that_fails(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "x")

    run = await owner.send(await owner.open(HOME), f"{HOME}/crons/1/run")

    assert run.path.startswith(f"{HOME}/crons/1/fires/")


async def test_a_heartbeat_without_a_ping_needs_somebody_and_is_not_run(owner: Browser, redis: Redis) -> None:
    await all_run(redis)
    now = await moments.now(redis, SHARD)
    beat = CronCreate.model_validate({"name": "Backup", "mode": "heartbeat", "cron_expression": "0 * * * *"})
    cron = await crons.create(call_of(redis, SHOP), beat, now - timedelta(minutes=61))
    assert cron.next_run_at
    await fire_due(redis, SHARD, cron.next_run_at)
    await promote_due(redis, SHARD, now + timedelta(minutes=10))

    page = await owner.open(HOME)

    assert "One thing needs you." in page.text
    assert "Backup has not pinged" in page.text
    assert "No ping ever came." in page.text
    assert f"{HOME}/crons/1/run" not in [form.action for form in page.forms]


async def test_no_more_than_seven_are_shown_and_the_rest_is_counted(owner: Browser, redis: Redis) -> None:
    await all_run(redis)
    for number in range(9):
        await a_cron(redis, "x", name=f"Cron {number}", cron_expression="0 * * * *")

    page = await owner.open(HOME)

    assert "Nine things need you." in page.text
    assert page.response.text.count("has failed</a>") == 7
    assert "And 2 more" in page.text


async def test_the_largest_problem_says_that_its_host_answers_again_whoever_rests_since(
    owner: Browser, redis: Redis
) -> None:
    await all_run(redis)
    await work.dead(redis, 2)
    await throttle_host(redis, SHOP, host="hooks.example.com:443", wanted_ms=60_000, most_ms=60_000)
    await unthrottle_host(redis, SHOP, host="hooks.example.com:443", status=200)
    for number in range(30):
        await throttle_host(redis, SHOP, host=f"h{number}.example:443", wanted_ms=60_000, most_ms=60_000)

    page = await owner.open(HOME)

    assert "so they can be replayed." in page.text
    assert "Thirty hosts are left alone" in page.text or "30 hosts are left alone" in page.text
    assert re.search(r"What is for h\d+\.example:443, .* and others waits", page.text)


async def test_limits_and_tokens_are_told_before_they_end(owner: Browser, redis: Redis) -> None:
    await all_run(redis)
    await work.dead(redis)
    await work.made(redis, 5)
    await work.ended(redis, [Complete()])
    call, now = call_of(redis, SHOP), await moments.now(redis, SHARD)
    await limits.put(call, MonthlyLimits(monthly_request_limit=7))
    soon = now + timedelta(days=3, hours=1)
    await tokens.create(call, TokenCreate(name="desk", scopes=("read",), expires_at=soon))

    page = await owner.open(HOME)

    assert "86% of this month's requests are used" in page.text
    assert "The token desk expires in 3 d" in page.text


async def test_tokens_that_end_are_not_shown_to_members(member: Browser, redis: Redis) -> None:
    now = await moments.now(redis, SHARD)
    wanted = TokenCreate(name="desk", scopes=("read",), expires_at=now + timedelta(days=3))
    await tokens.create(call_of(redis, SHOP), wanted)

    assert "The token desk" not in (await member.open(HOME)).text


async def test_the_day_has_what_was_and_what_comes(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "o" * 9 + "x", name="Sync stock", cron_expression="*/30 * * * *")

    page = await owner.open(HOME)

    lane = page.response.text
    assert "10 fires so far, 1 failed; 24 to come today" in lane
    assert "All calls,<br>each half hour" in lane
    assert 'class="m-bad"' in lane
    assert 'class="m-next"' in lane


async def test_of_many_crons_the_day_comes_later_or_by_a_link(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "oo", name="Backup", cron_expression="*/30 * * * *")
    call = call_of(redis, SHOP)
    for number in range(front.AT_ONCE):
        await crons.create(call, CronCreate(name=f"Cron {number}", url=work.URL, cron_expression="0 0 1 1 *"))

    page = await owner.open(HOME)
    part, day = await owner.open(f"{HOME}/today"), await owner.open(f"{HOME}/crons/day")

    assert "What ran and what is to come of 251 crons." in page.text
    assert f'hx-get="{HOME}/today"' in page.response.text
    assert "All lanes" not in page.text
    assert "243 more crons are folded into the first row." in part.text
    assert "<html" not in part.response.text
    assert f'<a href="{HOME}/crons/day">See their day</a>' in page.response.text
    assert "Backup" in day.text


async def test_the_busiest_queues_say_what_holds_them_back(owner: Browser, redis: Redis) -> None:
    await work.made(redis, 9, queue="reports", delay=60)
    await work.made(redis, 3, queue="mail", delay=60)
    await queues.update(call_of(redis, SHOP), 1, QueueUpdate(is_active=False))

    page = await owner.open(HOME)

    assert page.text.index("reports") < page.text.index("mail")
    assert "It is paused. 9 jobs wait." in page.text


async def test_the_rail_counts_dead_letters_on_every_page(owner: Browser, redis: Redis) -> None:
    before = await owner.open(f"{HOME}/crons")
    await work.dead(redis, 3)

    pages = [await owner.open(path) for path in (HOME, f"{HOME}/crons", f"{HOME}/settings/team", "/me")]

    assert "Dead letters 3" not in before.text
    assert [page.text.count("Dead letters 3") for page in pages] == [2] * 4  # in the rail, and at the foot


async def test_another_team_is_neither_counted_nor_named(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "xx", team=keyspace.Team(2), name="Elsewhere")

    page = await owner.open(HOME)

    assert "Elsewhere" not in page.text
    assert "Nothing runs here yet." in page.text


@pytest.mark.parametrize(
    ("many", "more", "said"),
    [
        (0, False, "Everything runs."),
        (1, False, "One thing needs you."),
        (3, False, "Three things need you."),
        (50, True, "Over 50 things need you."),
    ],
)
def test_the_title_is_the_answer(many: int, more: bool, said: str) -> None:
    assert front.title(many, has_more=more) == said


async def test_a_filled_team_is_shown_whole(owner: Browser, redis: Redis) -> None:
    await filling.fill(redis)

    page = await owner.open(HOME)

    assert page.status == 200
    assert "Nightly invoices has failed 3 times in a row" in page.text
    assert "1 is paused" in page.text
    assert page.response.text.count('class="nm"') == 8
