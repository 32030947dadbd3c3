"""A cron and its fires on pages: what it says of them, and what is done to it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from shared import clock
from shared.actions import crons
from shared.errors import NotFound
from shared.schemas.crons import CronUpdate
from tests.calls import call_of
from tests.pages.browser import Browser
from tests.pages.crons import filling
from tests.pages.crons.filling import SHOP, a_cron
from tests.pages.work.filling import dead

PATH = "/t/1/crons"
ONE = f"{PATH}/1"


async def test_a_failing_one_says_since_when_and_why(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "oooxx", alert_threshold=2, headers={"Authorization": "Bearer abc"})

    page = await owner.open(ONE)

    assert "<title>Failing · Nightly invoices · Recuro</title>" in page.response.text
    assert "Two fires in a row failed. billing.example.com answered 503." in page.text
    assert "It worked last on" in page.text
    assert "An alert says so" in page.text
    assert "the answer says upstream pool exhausted" in page.text
    assert "3 of 5 2 failed" in page.text
    assert "Authorization ********" in page.text
    assert "abc" not in page.text


async def test_it_says_what_it_does_and_when(owner: Browser, redis: Redis) -> None:
    await a_cron(
        redis, timezone="Asia/Tokyo", overlap_policy="skip", labels={"team": "billing"}, payload="[1]"
    )
    owner.client.cookies.set("recuro-zone", "Asia%2FTokyo")

    page = await owner.open(ONE)

    assert "Every day at 02:30" in page.text
    assert "Asia/Tokyo, now UTC+09:00" in page.text
    assert "skip while one still runs" in page.text
    assert "team billing" in page.text
    assert "02:30 Tokyo · 17:30 UTC" in page.text
    assert "It has not fired yet." in page.text


async def test_each_fire_is_listed_and_leads_to_its_page(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "olxt", timezone="UTC")

    page = await owner.open(ONE)
    failed = await owner.open(f"{ONE}?filter=failed")
    none = await owner.open(f"{ONE}?filter=skipped")

    assert "Completed, late 41 s" in page.text
    assert "Failed: timeout 0.1 s 30 s Nothing came within 30 s." in page.text
    assert "1 to 4 of 4" in page.text
    assert "1 to 2 of 2" in failed.text
    assert "None is skipped." in none.text
    newest = (await filling.newest(redis, 1)).id
    assert f"{ONE}/fires/{newest}" in page.links


async def test_why_did_it_not_run_is_answered(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "oso", timezone="UTC", misfire_policy="skip")
    missed = (await filling.past_of(redis, 1)).data[1]

    page = await owner.open(f"{ONE}?at={missed.scheduled_at:%Y-%m-%d %H:%M}")
    strange = await owner.open(f"{ONE}?at=yesterday")

    assert "It was due and did not run." in page.text
    assert "Nobody made it in time" in page.text
    assert f"{ONE}/fires/{missed.id}" in page.links
    assert "That is no moment." in strange.text


@pytest.mark.parametrize(
    ("letter", "title", "more"),
    [
        ("o", "Completed", "The target answered 200 after"),
        ("x", "Failed: server error", "upstream pool exhausted"),
        ("t", "Failed: timeout", "Nothing came within 30 s."),
        ("s", "Skipped: missed", "Nothing was sent."),
    ],
)
async def test_a_fire_says_what_was_sent_and_what_came_back(
    owner: Browser, redis: Redis, letter: str, title: str, more: str
) -> None:
    await a_cron(redis, letter, misfire_policy="skip")
    fire = await filling.newest(redis, 1)

    page = await owner.open(f"{ONE}/fires/{fire.id}")

    assert f"<h1>{title}</h1>" in page.response.text
    assert more in page.text
    assert ("Where the time went" in page.text) == (letter != "s")
    assert "Bearer abc" not in page.text


async def test_it_is_run_now_once_however_often_the_form_is_sent(owner: Browser, redis: Redis) -> None:
    await a_cron(redis)
    page = await owner.open(ONE)

    first = await owner.send(page, f"{ONE}/run")
    again = await owner.send(page, f"{ONE}/run")

    assert first.path == again.path
    assert first.path.startswith(f"{ONE}/fires/")
    assert "Waits" in first.text
    assert "data-live" in first.attributes
    assert len((await filling.past_of(redis, 1)).data) == 1


async def test_a_heartbeat_shows_where_to_call(owner: Browser, redis: Redis) -> None:
    cron = await a_cron(redis, mode="heartbeat", url="", cron_expression="0 3 * * *")

    page = await owner.open(ONE)

    assert f"/ping/{cron.ping_key}" in page.text
    assert f"{ONE}/run" not in [form.action for form in page.forms]
    assert "Request" not in page.text


async def test_it_is_deleted_once_its_name_was_typed(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "o")
    page = await owner.open(f"{ONE}/delete")

    wrong = await owner.send(page, f"{ONE}/delete", name="Nightly")
    still = await crons.get(redis, SHOP, 1)
    done = await owner.send(page, f"{ONE}/delete", name="Nightly invoices")
    again = await owner.send(page, f"{ONE}/delete", name="Nightly invoices")

    assert (wrong.status, "Must be the name of the cron" in wrong.text) == (422, True)
    assert still.name == "Nightly invoices"
    assert (done.path, again.path) == (PATH, PATH)
    with pytest.raises(NotFound):
        await crons.get(redis, SHOP, 1)


async def test_it_is_not_deleted_if_somebody_changed_it_meanwhile(owner: Browser, redis: Redis) -> None:
    await a_cron(redis)
    page = await owner.open(f"{ONE}/delete")
    await crons.update(call_of(redis, SHOP), 1, CronUpdate(cron_expression="0 4 * * *"))

    refused = await owner.send(page, f"{ONE}/delete", name="Nightly invoices")

    assert refused.status == 409
    assert (await crons.get(redis, SHOP, 1)).cron_expression == "0 4 * * *"


@pytest.mark.parametrize("rest", ["/9", "/9/edit", "/9/delete", "/1/fires/9", "/0", "/x", "/1/fires/x"])
async def test_what_is_not_there_is_not_found(owner: Browser, redis: Redis, rest: str) -> None:
    await a_cron(redis)

    page = await owner.open(f"{PATH}{rest}")

    assert page.status == 404
    assert "There is no such page" in page.text


async def test_the_fire_of_another_cron_is_not_found(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "o")
    await a_cron(redis, "o")
    other = (await filling.newest(redis, 2)).id

    page = await owner.open(f"{ONE}/fires/{other}")

    assert page.status == 404


async def test_the_day_has_a_lane_for_each_and_says_what_falls_together(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, name="each minute", cron_expression="* * * * *")
    await a_cron(redis, name="late at night", cron_expression="59 23 * * *")
    await a_cron(redis, name="resting", is_active=False)

    page = await owner.open(f"{PATH}/day")

    assert "more fires today" in page.text or "Nothing more fires today." in page.text
    assert "It fires more than a hundred times a day" in page.response.text
    assert "late at night" in page.text
    assert "resting" not in page.text
    assert "1 to 2 of 2" in page.text


async def test_the_band_of_many_fires_begins_with_its_cron_and_shows_when_it_failed(
    owner: Browser, redis: Redis
) -> None:
    await a_cron(redis, "oxxo", name="each minute", cron_expression="* * * * *")

    page = (await owner.open("/t/1")).response.text
    (begins,) = re.findall(r'class="m-band" x="([\d.]+)%"', page)

    assert float(begins) > 49
    assert "It fires more than a hundred times a day; 2 failed" in page
    assert re.search(r"<title>\d\d:\d\d, \d failed</title>", page)


async def test_what_others_failed_of_since_hides_no_failure_of_the_day(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "oxxo", name="each minute", cron_expression="* * * * *")
    for number in range(101):
        await dead(redis, url=f"https://h{number}.example/")

    page = (await owner.open(f"{PATH}/day")).response.text

    assert "It fires more than a hundred times a day; 2 failed" in page


async def test_the_month_counts_what_is_to_come_and_marks_a_change_of_the_clock(
    owner: Browser, redis: Redis
) -> None:
    await a_cron(redis, cron_expression="0 12 * * *")
    owner.client.cookies.set("recuro-zone", "Europe%2FBerlin")

    this = await owner.open(f"{PATH}/month")
    march = await owner.open(f"{PATH}/month?month=2027-03")
    strange = await owner.open(f"{PATH}/month?month=2099-13")

    assert "to come" in this.text
    assert "31 to come" in march.text
    assert march.text.count("clock changes to UTC +02:00") == 1
    assert strange.text.partition("Days are")[0] == this.text.partition("Days are")[0]


async def test_the_month_counts_the_first_hour_that_is_kept(owner: Browser, redis: Redis) -> None:
    """It began before the moment from which on fires are counted."""
    first = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=30, hours=-2)
    hour = f"r:{{s0}}:figures:1:h{clock.milliseconds(first)}"
    await redis.hset(hour, mapping={"#": 1, "=crons": "0,5"})  # type: ignore[misc]

    page = await owner.open(f"{PATH}/month?month={first:%Y-%m}")

    assert "5 fires so far" in page.text


async def test_the_end_of_the_sentence_is_a_part_of_its_own(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, cron_expression="0 12 * * *")
    await a_cron(redis, cron_expression="0 12 * * *")

    page = await owner.open(f"{PATH}/ahead")

    assert "2 fires are to come within a day, the busiest minute is 12:00 with 2 fires." in page.text
    assert "<html" not in page.response.text


async def test_a_body_of_a_mebibyte_is_shown_from_its_beginning(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "o", payload="x" * 1_000_000)

    page, form = await owner.open(ONE), await owner.open(f"{ONE}/edit")

    assert page.status == form.status == 200
    assert len(page.response.text) < 60_000
    assert "It has 1,000,000 characters" in form.text
    assert "payload" not in form.form(f"{ONE}/edit").fields


@pytest.mark.writes_records
@pytest.mark.parametrize("damage", ["spec", "next", "version", "strip"])
async def test_one_that_is_damaged_leaves_the_pages_standing(
    owner: Browser, redis: Redis, damage: str
) -> None:
    await a_cron(redis, "ox")
    await redis.hset(f"{SHOP.prefix}c:1:1", damage, "{nonsense")  # type: ignore[misc]

    pages = [
        await owner.open(f"{PATH}{rest}") for rest in ("", "/1", "/day", "/month", "/1/edit", "/1/delete")
    ]

    assert [page.status for page in pages if page.status >= 500] == []
