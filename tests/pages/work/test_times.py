"""Pages of jobs, queues and dead letters show times by the clock of the browser, or by UTC."""

import pytest
from redis.asyncio import Redis

from services.api.pages import words
from tests.pages.browser import Browser
from tests.pages.work import filling

TOKYO = "Asia%2FTokyo"


@pytest.mark.parametrize("path", ["/t/1/jobs", "/t/1/jobs/1", "/t/1/dead-letters/1", "/t/1/queues/1"])
async def test_times_are_those_of_the_browser_until_utc_is_pressed(
    owner: Browser, redis: Redis, path: str
) -> None:
    first = await filling.died_slowly(redis)
    made_at = (await filling.job(redis, first)).created_at
    owner.client.cookies.set("recuro-zone", TOKYO)

    here = await owner.open(path)
    utc = await owner.send(here, "/zone")
    back = await owner.send(utc, "/zone")

    assert (", Tokyo" in here.text) or ("of Tokyo" in here.text)
    assert "Times are shown for Asia/Tokyo. Show UTC" in here.text
    assert (utc.path, "Tokyo" in utc.text.replace("Show Asia/Tokyo", "")) == (path, False)
    assert "Tokyo" in back.text
    if path == "/t/1/jobs":
        assert words.clock(made_at, made_at) in utc.text
        assert words.clock(made_at, made_at) not in here.text


async def test_the_clock_of_a_page_that_only_a_form_shows_leads_to_the_start(owner: Browser) -> None:
    owner.client.cookies.set("recuro-zone", TOKYO)

    wrong = await owner.post("/me/name", name="x" * 300)

    assert wrong.status == 422
    assert wrong.form("/zone").fields["next"] == "/"
