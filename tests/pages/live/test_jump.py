"""The jump box as a page: crons, queues, a job by its id, pages; and the keys, and how they are turned off."""

import pytest
from redis.asyncio import Redis

from tests.pages.browser import Browser
from tests.pages.crons.filling import a_cron
from tests.pages.payloads import PAYLOADS, TELLING
from tests.pages.work import filling

JUMP = "/t/1/jump"


async def test_it_finds_crons_queues_a_job_and_pages(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, name="Nightly invoices")
    await filling.made(redis, queue="invoices")

    words, number = await owner.open(f"{JUMP}?q=invoi"), await owner.open(f"{JUMP}?q=1")
    pages, nothing = await owner.open(f"{JUMP}?q=dead"), await owner.open(JUMP)

    assert {"/t/1/crons/1", "/t/1/queues/1", "/t/1/jobs?q=invoi"} <= set(words.links)
    assert "/t/1/jobs/1" in number.links
    assert "/t/1/dead-letters" in pages.links
    assert "/t/1/settings/api" in nothing.links


async def test_a_member_is_led_to_no_page_for_admins(member: Browser) -> None:
    page = await member.open(f"{JUMP}?q=tokens")

    assert "/t/1/settings/api" not in page.links


@pytest.mark.parametrize("q", ["0", "9" * 15, "9" * 40, "²", "-1", "%00", "x" * 500])
async def test_what_is_no_id_and_no_name_leads_to_a_search(owner: Browser, q: str) -> None:
    page = await owner.open_with(JUMP, q=q)

    assert page.status == 200
    assert [one for one in page.links if one.startswith("/t/1/jobs?q=")]


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_names_and_what_is_looked_for_are_text(owner: Browser, redis: Redis, payload: str) -> None:
    plain = await owner.open_with(JUMP, q="x")
    await a_cron(redis, name=f"x {payload}")

    page = await owner.open_with(JUMP, q=f"x {payload}")
    named = await owner.open_with(JUMP, q="x")

    assert page.tags & TELLING == named.tags & TELLING == plain.tags & TELLING
    assert " ".join(payload.split()) in named.text
    assert page.attributes <= named.attributes | plain.attributes


async def test_who_opens_it_over_a_page_gets_the_box_alone(owner: Browser) -> None:
    box = await owner.client.get(JUMP, params={"q": "cron"}, headers={"HX-Request": "true"})
    keys = await owner.client.get("/t/1/keys", headers={"HX-Request": "true"})

    assert ("<html" in box.text, 'id="found"' in box.text) == (False, True)
    assert ("<html" in keys.text, "search or jump" in keys.text) == (False, True)


async def test_keys_are_turned_off_and_on_in_a_browser(owner: Browser) -> None:
    before = await owner.open("/me")
    off = await owner.send(before, "/me/keys")
    on = await owner.send(off, "/me/keys")

    assert ["data-keys" in page.attributes for page in (before, off, on)] == [True, False, True]
    assert "Turn keys on" in off.text
