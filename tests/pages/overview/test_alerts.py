"""Alerts as incidents: what broke and recovered, who was told, and being quiet about it."""

import re
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from services.api.pages.overview import incidents
from services.worker.work import Dead
from shared.actions import alerts, queues
from shared.schemas.alerts import Alert, AlertQuery
from shared.schemas.queues import QueueCreate
from tests.calls import call_of
from tests.pages.browser import Browser
from tests.pages.crons.filling import SHOP, a_cron
from tests.pages.overview.filling import told_by_slack
from tests.pages.work import filling as work

ALERTS = "/t/1/alerts"


OVER = re.compile(r"\bOver\b")


async def listed(redis: Redis) -> list[Alert]:
    return (await alerts.page(redis, SHOP, AlertQuery(per_page=100))).data


async def test_without_alerts_it_says_what_would_be_here(owner: Browser) -> None:
    page = await owner.open(ALERTS)

    assert "No alerts yet" in page.text
    assert "Nothing has failed yet" in page.text


async def test_what_fails_is_one_row_that_is_open(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "oxxx", alert_threshold=3, cron_expression="0 * * * *")

    page = await owner.open(ALERTS)

    assert len(await listed(redis)) == 2
    assert page.response.text.count("<tr data-row=") == 1
    assert "One thing is broken." in page.text
    assert "Nightly invoices failed 3 times in a row" in page.text
    assert "Open" in page.text


async def test_a_cron_that_fails_on_is_counted_beyond_its_alerts(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "o" + "x" * 7, alert_threshold=1, cron_expression="0 * * * *")

    page, one = await owner.open(ALERTS), await owner.open(f"{ALERTS}/1")

    assert len(await listed(redis)) == 1
    assert '<td class="right away">7</td>' in page.response.text
    assert "<dt>Failures</dt><dd>7</dd>" in one.response.text


async def test_what_recovered_says_when(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "xxoxo", alert_threshold=2, cron_expression="0 * * * *")

    page = await owner.open(ALERTS)

    assert page.response.text.count("<tr data-row=") == 2
    assert "Nothing is broken." in page.text
    assert page.text.count("Recovered ") >= 2
    assert "Open" not in page.text


async def test_a_channel_that_was_not_reached_says_why(owner: Browser, redis: Redis) -> None:
    await told_by_slack(redis)

    page = await owner.open(ALERTS)
    one = await owner.open(f"{ALERTS}/1")

    assert "Slack not delivered 404 no_service" in page.text
    assert "Slack not delivered 404 no_service" in one.text
    assert "Slack cannot be reached" in (await owner.open("/t/1")).text


async def test_a_message_that_was_not_delivered_is_sent_again(owner: Browser, redis: Redis) -> None:
    await told_by_slack(redis)
    one = f"{ALERTS}/1"

    page = await owner.send(await owner.open(one), f"{one}/resend")

    assert "Slack on its way" in page.text
    assert "404 no_service" not in page.text
    assert f"{one}/resend" not in [form.action for form in page.forms]


async def test_an_alert_is_silenced_and_told_of_again(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "x", alert_threshold=1, cron_expression="0 * * * *")
    one = f"{ALERTS}/1"

    quiet = await owner.send(await owner.open(one), f"{one}/quiet")
    listed_quiet = await owner.open(ALERTS)
    again = await owner.send(quiet, f"{one}/reopen")

    assert "Quiet" in quiet.text
    assert "Nothing is broken." in listed_quiet.text
    assert f"{one}/quiet" in [form.action for form in again.forms]


async def test_failures_of_a_queue_are_one_incident_with_its_dead_letters(
    owner: Browser, redis: Redis
) -> None:
    await queues.create(call_of(redis, SHOP), QueueCreate(name="webhooks", alerts_enabled=True))
    await work.dead(redis, 4)

    page, one = await owner.open(ALERTS), await owner.open(f"{ALERTS}/1")

    assert page.response.text.count("<tr data-row=") == 1
    assert "One thing is broken." in page.text
    assert "/t/1/dead-letters/1" in one.links
    assert "/t/1/queues/1" in one.links


async def test_two_problems_of_a_queue_are_both_open(owner: Browser, redis: Redis) -> None:
    await queues.create(call_of(redis, SHOP), QueueCreate(name="webhooks", alerts_enabled=True))
    await work.dead(redis)
    await work.made(redis)
    await work.ended(redis, [Dead()], failed="timeout")

    page, older = await owner.open(ALERTS), await owner.open(f"{ALERTS}/1")
    found = await owner.open(f"{ALERTS}?search=webhooks")

    assert page.response.text.count("<tr data-row=") == 2
    assert "Two things are broken." in page.text
    assert f"{ALERTS}/1/resolve" in [form.action for form in older.forms]
    assert not OVER.search(found.text)


async def test_an_incident_of_a_queue_is_resolved_by_hand_and_the_next_failure_tells_of_it_again(
    owner: Browser, redis: Redis
) -> None:
    await queues.create(call_of(redis, SHOP), QueueCreate(name="webhooks", alerts_enabled=True))
    await work.dead(redis)
    one = f"{ALERTS}/1"

    resolved = await owner.send(await owner.open(one), f"{one}/resolve")
    listed_resolved = await owner.open(ALERTS)
    await work.dead(redis)
    again = await owner.open(ALERTS)

    assert OVER.search(resolved.text)
    assert f"{one}/resolve" not in [form.action for form in resolved.forms]
    assert "Nothing is broken." in listed_resolved.text
    assert "One thing is broken." in again.text


async def test_an_incident_of_a_cron_ends_with_its_next_success_alone(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "x", alert_threshold=1, cron_expression="0 * * * *")

    page = await owner.open(f"{ALERTS}/1")

    assert f"{ALERTS}/1/resolve" not in [form.action for form in page.forms]


async def test_a_search_finds_messages_or_says_that_none_has_it(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "x", alert_threshold=1, cron_expression="0 * * * *")

    found, none = await owner.open(f"{ALERTS}?search=nightly"), await owner.open(f"{ALERTS}?search=nothing")

    assert "1 alert" in found.text
    assert "No message has “nothing” in it." in none.text


async def test_an_old_incident_on_a_later_page_is_not_open(owner: Browser, redis: Redis) -> None:
    """Its cron fails again: that incident is on the first page."""
    await a_cron(redis, "xo" * 26 + "x", alert_threshold=1, cron_expression="0 * * * *")

    first, second = await owner.open(ALERTS), await owner.open(f"{ALERTS}?page=2")

    assert "One thing is broken." in first.text
    assert "53 alerts" in second.text
    assert "Open" not in second.text


async def test_an_alert_that_is_not_there_is_not_found(owner: Browser) -> None:
    assert (await owner.open(f"{ALERTS}/9")).status == 404


@pytest.mark.parametrize("number", ["0", "x", "99999999999999999999"])
async def test_a_page_that_can_be_none_is_the_first(owner: Browser, number: str) -> None:
    assert "No alerts yet" in (await owner.open(f"{ALERTS}?page={number}")).text


async def test_two_failures_of_a_queue_days_apart_are_two_incidents(redis: Redis) -> None:
    await queues.create(call_of(redis, SHOP), QueueCreate(name="webhooks", alerts_enabled=True))
    await work.dead(redis)
    newest = (await listed(redis))[0]
    days_before = newest.created_at - timedelta(days=3)
    older = newest.model_copy(update={"id": 0, "since": days_before, "created_at": days_before})
    an_hour_before = newest.created_at - timedelta(hours=1)
    near = older.model_copy(update={"since": an_hour_before, "created_at": an_hour_before})

    apart, together = incidents.grouped([newest, older], {}), incidents.grouped([newest, near], {})

    assert [len(one.alerts) for one in apart] == [1, 1]
    assert [one.is_last for one in apart] == [True, False]
    assert [len(one.alerts) for one in together] == [2]
    assert apart[0].state is incidents.OVER


async def test_a_member_of_another_team_finds_no_alert(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "x", alert_threshold=1, cron_expression="0 * * * *")

    assert (await owner.open("/t/2/alerts/1")).status == 404
