"""Settings, Notifications: channels are set one by one, tried, switched off and removed; their URLs stay secret."""

import asyncio

import pytest
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.work import Complete, Dead, Result, Verdict
from shared.actions import notifications
from shared.schemas.notifications import CHANNELS, Channel, Notifications
from shared.store import keyspace
from tests.calls import VAULT
from tests.pages.browser import Browser, Page
from tests.pages.settings import filling
from tests.pages.settings.filling import SHOP, SLACK
from tests.poll import until

PATH = "/t/1/settings/notifications"
TEST = f"{PATH}/slack/test#slack"


async def stored(redis: Redis) -> Notifications:
    return await notifications.opened_of(redis, VAULT, SHOP)


async def set_up(browser: Browser, channel: str, **typed: str | None) -> Page:
    return await browser.send(await browser.open(PATH), f"{PATH}/{channel}#{channel}", **typed)


async def ended(redis: Redis, verdict: Verdict, error: str = "") -> None:
    """The next message that a worker sends ends so."""
    worker = Claims(redis, keyspace.SHARDS[0], "w")

    async def work() -> bool:
        works = await worker.claim(1)
        await worker.finish(
            [Result(one, verdict, "", "", "timeout" if error else "", error) for one in works]
        )
        return bool(works)

    await until(work)


def test_each_channel_has_its_words() -> None:
    assert list(CHANNELS) == list(Channel)


async def test_without_channels_alerts_go_to_nobody(owner: Browser) -> None:
    page = await owner.open(PATH)

    assert "Alerts go to nobody" in page.text
    assert page.text.count("not set up") == len(Channel)


async def test_a_channel_is_set_up_and_its_url_shown_to_nobody(owner: Browser, redis: Redis) -> None:
    await filling.set_channels(redis, email={"to": ["ops@example.com"]})

    page = await set_up(owner, "slack", hook=SLACK)

    known = await stored(redis)
    assert (known.slack and known.slack.url, known.email and known.email.to) == (SLACK, ("ops@example.com",))
    assert "Alerts go to e-mail and Slack" in page.text
    assert "canary" not in page.response.text
    assert "https://hooks.slack.example/********" in page.response.text


async def test_a_url_that_is_left_empty_stays_and_the_channel_is_switched_off(
    owner: Browser, redis: Redis
) -> None:
    await filling.set_channels(redis)

    page = await set_up(owner, "slack", enabled=None)

    known = await stored(redis)
    assert known.slack
    assert (known.slack.url, known.slack.enabled) == (SLACK, False)
    assert "Alerts go to e-mail" in page.text


@pytest.mark.parametrize(
    ("channel", "typed", "said"),
    [
        ("slack", {"hook": "nowhere/canary"}, "Must start with http"),
        ("slack", {"hook": ""}, "Must start with http"),
        ("email", {"to": ""}, "at least 1"),
        ("email", {"to": "ops@example.com, nobody"}, "e-mail address"),
    ],
)
async def test_what_is_wrong_is_said_at_its_card_and_no_url_is_shown_again(
    owner: Browser, redis: Redis, channel: str, typed: dict[str, str], said: str
) -> None:
    page = await set_up(owner, channel, **typed)

    assert page.status == 422
    assert said in page.text
    assert "canary" not in page.response.text
    assert typed.get("to", "") in page.response.text
    assert await stored(redis) == Notifications()


async def test_what_somebody_else_set_meanwhile_is_not_lost(owner: Browser, redis: Redis) -> None:
    page = await owner.open(PATH)
    await filling.set_channels(redis)

    late = await owner.send(page, f"{PATH}/email#email", to="late@example.com")
    again = await owner.send(late, f"{PATH}/email#email")

    known = await stored(redis)
    assert (late.status, again.status) == (409, 200)
    assert "Somebody else changed settings" in late.text
    assert known.email
    assert known.slack
    assert (known.email.to, known.slack.url) == (("late@example.com",), SLACK)


@pytest.mark.parametrize(
    ("verdict", "error", "said"),
    [
        (Complete(), "", "The test message was taken."),
        (Dead(), "The channel answered with status 404.", "The channel answered with status 404."),
    ],
)
async def test_a_test_shows_what_came_back(
    owner: Browser, redis: Redis, verdict: Verdict, error: str, said: str
) -> None:
    await filling.set_channels(redis)
    page = await owner.open(PATH)

    tried, _ = await asyncio.gather(owner.send(page, TEST), ended(redis, verdict, error))
    again = await owner.send(page, TEST)

    assert said in tried.text
    assert said in again.text, "the same form looks for the same message"
    assert ("Alerts do not reach Slack" in tried.text) == bool(error)


async def test_each_channel_has_its_last_messages_with_their_errors(owner: Browser, redis: Redis) -> None:
    await filling.set_channels(redis)
    await filling.alerted(redis)

    page = await owner.open(PATH)

    assert "Alerts do not reach Slack" in page.text
    assert "delivered nightly report failed once" in page.text
    assert (
        f"failed nightly report failed once: The target answered with status 503. {filling.SAID}" in page.text
    )


async def test_a_channel_is_removed_once_that_was_asked(owner: Browser, redis: Redis) -> None:
    await filling.set_channels(redis)

    page = await owner.send(await owner.open(f"{PATH}/slack/remove"))

    known = await stored(redis)
    assert page.path == PATH
    assert (known.slack, known.email is not None) == (None, True)


async def test_a_member_sees_channels_and_changes_none(owner: Browser, member: Browser, redis: Redis) -> None:
    await filling.set_channels(redis)

    page = await member.open(PATH)
    refused = [await member.post(f"{PATH}/slack{rest}", hook=SLACK) for rest in ("", "/test", "/remove")]

    assert "https://hooks.slack.example/********" in page.text
    assert not [form for form in page.forms if form.action.startswith(PATH)]
    assert [one.status for one in refused] == [403] * 3


async def test_what_is_no_channel_is_not_found(owner: Browser) -> None:
    assert (await owner.open(f"{PATH}/pager/remove")).status == 404
