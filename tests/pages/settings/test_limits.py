"""Settings, Limits and Redaction: what was used in words, and changes of what the page showed alone."""

import pytest
from redis.asyncio import Redis

from services.api.pages.settings import limits as pages
from shared.actions import limits
from shared.actions.redaction import of_team
from shared.schemas.teams import MonthlyLimits, Usage
from shared.store import moments
from tests.calls import call_of
from tests.pages.browser import Browser
from tests.pages.settings import filling
from tests.pages.settings.filling import SHOP

PATH, RULES = "/t/1/settings/limits", "/t/1/settings/redaction"
NOW = "2026-11-28T00:00:00Z"


def usage(requests: int, hard: int | None, soft: int | None, **months: int) -> Usage:
    fields = {"month": "2026-11", "requests": requests, "resets_at": NOW, "months": months}
    return Usage.model_validate({**fields, "monthly_request_limit": hard, "soft_limit": soft})


@pytest.mark.parametrize(
    ("given", "colour", "percent", "said"),
    [
        (usage(5, None, None), "ok", 0, "There is no limit"),
        (usage(5, 0, None), "bad", 100, "The limit of 0 is reached"),
        (usage(0, 0, None), "bad", 0, "The limit of 0 is reached"),
        (usage(50, 100, None), "ok", 50, "50 % of 100, which nothing is sent beyond; 50 are left."),
        (usage(80, 100, None), "warn", 80, "80 % of 100"),
        (usage(100, 100, 50), "bad", 100, "nothing is sent until it is raised"),
        (usage(120, 100, 50), "bad", 100, "nothing is sent"),
        (usage(60, 100, 50), "warn", 60, "The soft limit of 50 was passed. 40 are left."),
        (usage(60, None, 50), "warn", 100, "Nothing stops at it."),
        (usage(10, None, 50), "ok", 20, "A warning is sent at 50; nothing stops there."),
    ],
)
def test_the_limits_in_words(given: Usage, colour: str, percent: float, said: str) -> None:
    used = pages.used(given)

    assert (used.colour, used.percent) == (colour, percent)
    assert said in used.sentence


def test_months_are_drawn_by_the_busiest_and_this_one_is_always_there() -> None:
    given = usage(
        0, None, None, **{f"2025-{month:02d}": month for month in range(12, 0, -1)}, **{"2024-12": 24}
    )

    bars = pages.months(given)

    assert [bars[0], bars[1]] == [("2026-11", 0, 0.0), ("2025-12", 12, 100.0)]
    assert len(bars) == 13


async def test_an_admin_sets_limits_and_sees_what_was_used(owner: Browser, redis: Redis) -> None:
    month = f"m{await moments.now(redis, SHOP.shard):%Y_%m}"
    await filling.sent(redis, **{month: 84_112})

    page = await owner.send(await owner.open(PATH), monthly_request_limit="100,000", soft_limit="80 000")

    assert await limits.get(call_of(redis, SHOP)) == MonthlyLimits(
        monthly_request_limit=100_000, soft_limit=80_000
    )
    assert (
        "84,112 requests this month The soft limit of 80,000 was passed. 15,888 are left."
        in page.text.replace("  ", " ")
    )


@pytest.mark.parametrize(
    ("hard", "soft", "said"),
    [
        ("many", "", "Must be an integer"),
        ("-1", "", "Must be at least 0"),
        ("5", "6", "ust not be above"),
    ],
)
async def test_wrong_limits_are_said_and_kept(owner: Browser, hard: str, soft: str, said: str) -> None:
    page = await owner.send(await owner.open(PATH), monthly_request_limit=hard, soft_limit=soft)

    assert page.status == 422
    assert said in page.text
    assert page.form(PATH).fields["monthly_request_limit"] == hard


async def test_limits_that_somebody_else_set_are_shown_first(owner: Browser, redis: Redis) -> None:
    page = await owner.open(PATH)
    await limits.put(call_of(redis, SHOP), MonthlyLimits(monthly_request_limit=7))

    late = await owner.send(page, monthly_request_limit="9")
    again = await owner.send(late)

    assert (late.status, again.status) == (409, 200)
    assert "Somebody else changed settings" in late.text
    assert (await limits.get(call_of(redis, SHOP))).monthly_request_limit == 9


async def test_rules_are_set_line_by_line(owner: Browser, redis: Redis) -> None:
    before = await owner.open(RULES)

    page = await owner.send(before, redact="headers.X-Session\r\n\r\n body.a,b.**.pin ")
    late = await owner.send(before, redact="body")

    assert "Everything is kept" in before.text
    assert "Two rules for what is not kept" in page.text
    assert (await of_team.show(call_of(redis, SHOP))).redact == ("headers.X-Session", "body.a,b.**.pin")
    assert (late.status, late.form(RULES).fields["redact"]) == (409, "body")


async def test_a_wrong_rule_is_said(owner: Browser) -> None:
    page = await owner.send(await owner.open(RULES), redact="body.pin\nfoot.pin")

    assert page.status == 422
    assert "foot.pin" in page.form(RULES).fields["redact"]
    assert "Must hold rules as" in page.text


@pytest.mark.parametrize("path", [PATH, RULES])
async def test_a_member_looks_and_changes_nothing(
    owner: Browser, member: Browser, redis: Redis, path: str
) -> None:
    await of_team.put(call_of(redis, SHOP), await of_team.show(call_of(redis, SHOP)))

    page = await member.open(path)
    refused = await member.post(path, redact="body", monthly_request_limit="1")

    assert page.status == 200
    assert path not in [form.action for form in page.forms]
    assert refused.status == 403
