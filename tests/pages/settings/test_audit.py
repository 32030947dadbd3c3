"""Settings, Audit: who changed what, from what to what; searched, filtered, and in pages."""

import re

import pytest
from redis.asyncio import Redis

from shared.actions import crons
from shared.schemas.crons import CronCreate
from tests.calls import call_of
from tests.pages.browser import Browser
from tests.pages.settings import filling
from tests.pages.settings.filling import SHOP

PATH = "/t/1/settings/audit"


async def test_an_empty_trail_says_what_comes_first(owner: Browser, redis: Redis) -> None:
    await redis.delete(*[key async for key in redis.scan_iter("*audit*")] or ["none"])

    page = await owner.open(PATH)

    assert "Nobody changed anything yet" in page.text
    assert "is the first line here" in page.text


async def test_a_change_is_shown_from_what_to_what(owner: Browser, redis: Redis) -> None:
    await filling.fill(redis)

    page = await owner.open_with(PATH, q="action:update-cron")

    assert "One change found" in page.text
    assert "update-cron cron 1 cron_expression 0 0 1 1 * → , then 0 3 * * *" in page.text
    assert "/t/1/crons/1" in page.links
    assert "canary" not in (await owner.open(PATH)).response.text


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({"operation": "rotate-signing"}, 2),
        ({"interface": "rest", "operation": "set-limits"}, 1),
        ({"interface": "cli", "operation": "set-limits"}, 0),
        ({"actor": "nobody"}, 0),
        ({"about": "cron:1"}, 3),
        ({"from": "2030-01-01"}, 0),
        ({"to": "2020-01-01"}, 0),
        ({"from": "2020-01-01", "to": "2999-01-01", "operation": "set-limits"}, 1),
        ({"q": "changed:soft_limit"}, 1),
    ],
)
async def test_it_is_filtered(owner: Browser, redis: Redis, given: dict[str, str], count: int) -> None:
    await filling.fill(redis)

    page = await owner.open_with(PATH, **given)

    assert page.status == 200
    assert page.response.text.count('<div class="what">') == count
    assert ("No line fits." in page.text) == (count == 0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"q": "byy:ada"}, "by"),
        ({"interface": "fax"}, "rest"),
        ({"from": "yesterday"}, "Must be a day as 2026-11-28"),
        ({"to": "31.12.2026"}, "Must be a day as 2026-11-28"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field(owner: Browser, given: dict[str, str], said: str) -> None:
    page = await owner.open_with(PATH, **given)

    (name,) = given
    wrong = re.search(rf'id="{name}-wrong".*?</small>', page.response.text, re.DOTALL)
    assert page.status == 422
    assert wrong
    assert said in wrong[0]


@pytest.mark.parametrize("before", ["x", "-", "9" * 30, "1-1-1"])
async def test_an_address_that_somebody_wrote_is_refused_in_words(owner: Browser, before: str) -> None:
    page = await owner.open_with(PATH, before=before)

    assert page.status == 422
    assert "before" in page.text


async def test_pages_go_on_where_the_last_ended_and_keep_the_filter(owner: Browser, redis: Redis) -> None:
    for number in range(30):
        cron = CronCreate(name=f"c{number}", url="https://a.example/", cron_expression="0 0 1 1 *")
        await crons.create(call_of(redis, SHOP), cron)

    first = await owner.open_with(PATH, q="what:cron", actor="")
    (older,) = [link for link in first.links if "before=" in link]
    second = await owner.open(older)

    assert "q=what%3Acron" in older
    assert first.response.text.count('<div class="what">') == 25
    assert second.response.text.count('<div class="what">') == 5
    assert f"{PATH}?q=what%3Acron" in second.links


async def test_members_are_not_shown_it(owner: Browser, member: Browser) -> None:
    page = await member.open(PATH)

    assert page.status == 403
    assert PATH not in (await member.open("/t/1/settings/members")).links
