"""The form of a cron: what it makes, what it explains, and what it says is wrong."""

import pytest
from redis.asyncio import Redis

from shared.actions import crons
from shared.schemas.crons import CronQuery, CronUpdate
from tests.calls import call_of
from tests.pages.browser import Browser, Page
from tests.pages.crons import filling
from tests.pages.crons.filling import SHOP, a_cron

PATH = "/t/1/crons"
NEW, EDIT = f"{PATH}/new", f"{PATH}/1/edit"
URL = "https://api.example.com/health"


async def made(redis: Redis) -> int:
    return (await crons.page(redis, SHOP, CronQuery())).total


async def new(owner: Browser, **typed: str) -> Page:
    fields = {"name": "check", "url": URL, "do": "create", **typed}
    return await owner.send(await owner.open(NEW), NEW, **fields)


@pytest.mark.parametrize(
    ("typed", "expression"),
    [
        ({"kind": "minutes", "every": "5"}, "*/5 * * * *"),
        ({"kind": "minutes", "every": "1"}, "* * * * *"),
        ({"kind": "hourly", "minute": "20"}, "20 * * * *"),
        ({"kind": "daily", "at_daily": "2:30", "days": "1-5"}, "30 2 * * 1-5"),
        ({"kind": "weekly", "at_weekly": "09:05", "weekday": "0"}, "5 9 * * 0"),
        ({"kind": "monthly", "at_monthly": "23:59", "day": "L"}, "59 23 L * *"),
        ({"kind": "expression", "cron_expression": "*/7 1-3 * * MON"}, "*/7 1-3 * * MON"),
    ],
)
async def test_each_kind_of_schedule_makes_its_expression_and_opens_again(
    owner: Browser, redis: Redis, typed: dict[str, str], expression: str
) -> None:
    page = await new(owner, **typed)
    form = (await owner.open(EDIT)).form(EDIT)

    assert page.path == f"{PATH}/1"
    assert (await crons.get(redis, SHOP, 1)).cron_expression == expression
    assert form.fields["kind"] == typed["kind"]


async def test_all_fields_of_the_form_arrive(owner: Browser, redis: Redis) -> None:
    await new(
        owner,
        method="PUT",
        headers="Authorization: Bearer abc\nX-Run: a: b",
        payload='{"a": 1}',
        timezone="Europe/Berlin",
        timeout_seconds="60",
        alert_threshold="2",
        overlap_policy="queue_one",
        misfire_policy="run_all",
        misfire_window_seconds="300",
        spread_seconds="60",
        pause_after_failures="5",
        **{
            "check-0-type": "json_path_equals",
            "check-0-place": "$.errors",
            "check-0-value": "0",
        },
    )

    cron = await crons.get(redis, SHOP, 1)

    assert (cron.method, cron.payload, cron.timezone) == ("PUT", '{"a": 1}', "Europe/Berlin")
    assert cron.headers == {"Authorization": "********", "X-Run": "a: b"}
    assert (cron.timeout_seconds, cron.alert_threshold, cron.pause_after_failures) == (60, 2, 5)
    assert (cron.overlap_policy, cron.misfire_policy, cron.misfire_window_seconds) == (
        *("queue_one", "run_all", 300),
    )
    assert cron.spread_seconds == 60
    (check,) = cron.success_assertions
    assert check.model_dump() == {"type": "json_path_equals", "path": "$.errors", "value": "0"}
    assert cron.created_by
    assert cron.created_by.name == "owner@example.com"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"name": ""}, "Must not be empty"),
        ({"url": ""}, "what is to be called?"),
        ({"url": "ftp://x"}, "Must start with http:// or https://"),
        ({"timezone": "Europe/Berlim"}, "Must be an IANA time zone"),
        ({"at_daily": "25:00"}, "Must be a time as 02:30."),
        ({"kind": "hourly", "minute": "61"}, "Must be a number from 0 to 59."),
        ({"kind": "expression", "cron_expression": "* * *"}, "xpression"),
        ({"headers": "nonsense"}, "Must have a colon in each line"),
        ({"headers": "Host: a.example"}, "Recuro sets it itself"),
        ({"timeout_seconds": "9999"}, "300"),
        ({"kind": "x", "cron_expression": "no"}, "xpression"),
        ({"check-0-type": "status_code_equals", "check-0-value": "500"}, "200 to 299"),
        ({"every": "7", "kind": "minutes"}, "Must be one of the list."),
    ],
)
async def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(
    owner: Browser, redis: Redis, typed: dict[str, str], sentence: str
) -> None:
    page = await new(owner, **{"name": "a name that stays", **typed})

    assert page.status == 422
    assert sentence in page.text
    assert typed.get("name") is not None or "a name that stays" in page.response.text
    assert await made(redis) == 0


async def test_it_is_explained_by_a_button_and_nothing_is_made(owner: Browser, redis: Redis) -> None:
    page = await new(owner, do="explain", name="", url="", kind="expression", cron_expression="30 2 * * *")

    assert page.status == 200
    assert "Every day at 02:30" in page.text
    assert "30 times a month" in page.text
    assert page.text.count("02:30 UTC") == 5
    assert await made(redis) == 0


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"kind": "weekly", "at_weekly": "09:00", "weekday": "1", "timezone": "Europe/Berlin"}, "in Berlin"),
        (
            {"kind": "expression", "cron_expression": "0 0 31 * 1", "timezone": "UTC"},
            "Both day fields are set",
        ),
        ({"kind": "expression", "cron_expression": "nonsense", "timezone": "UTC"}, "Not yet a schedule"),
        ({"kind": "expression", "cron_expression": "", "timezone": "UTC"}, "Say when"),
        ({}, "Say when"),
        ({"kind": "hourly", "minute": "x"}, "Not yet a schedule"),
    ],
)
async def test_a_part_says_it_while_it_is_typed(owner: Browser, typed: dict[str, str], said: str) -> None:
    page = await owner.post(f"{PATH}/explain", **typed)

    assert (page.status, said in page.text) == (200, True)
    assert "<html" not in page.response.text


async def test_it_is_made_once_however_often_the_form_is_sent(owner: Browser, redis: Redis) -> None:
    page = await owner.open(NEW)
    typed = {"name": "check", "url": URL, "do": "create"}

    await owner.send(page, NEW, **typed)
    again = await owner.send(page, NEW, **typed)

    assert again.path == f"{PATH}/1"
    assert await made(redis) == 1


async def test_it_is_sent_now_and_shown_without_a_schedule_that_runs(owner: Browser, redis: Redis) -> None:
    page = await new(owner, do="send")

    assert page.path.startswith(f"{PATH}/1/fires/")
    assert not (await crons.get(redis, SHOP, 1)).is_active
    assert len((await filling.past_of(redis, 1)).data) == 1


async def test_it_is_made_paused(owner: Browser, redis: Redis) -> None:
    await new(owner, do="paused")

    assert not (await crons.get(redis, SHOP, 1)).is_active


async def test_a_heartbeat_needs_no_url(owner: Browser, redis: Redis) -> None:
    page = await new(owner, mode="heartbeat", url="", grace_seconds="900")

    cron = await crons.get(redis, SHOP, 1)
    assert page.path == f"{PATH}/1"
    assert (cron.mode, cron.grace_seconds, cron.alert_threshold) == ("heartbeat", 900, 1)


async def test_another_condition_is_added_without_script(owner: Browser) -> None:
    typed = {"check-0-type": "body_contains", "check-0-value": "ok"}

    page = await new(owner, do="add", **typed)

    assert {"check-0-value", "check-1-value"} <= page.form(NEW).fields.keys()
    assert page.form(NEW).fields["check-0-value"] == "ok"


async def test_only_what_was_changed_is_changed(owner: Browser, redis: Redis) -> None:
    await a_cron(
        redis,
        headers={"Authorization": "Bearer abc"},
        payload="one\ntwo",
        max_runs=7,
        labels={"a": "b"},
        cron_expression="0 0 1 1 *",
    )
    page = await owner.open(EDIT)

    same = await owner.send(page, EDIT, do="save")
    unchanged = await crons.get(redis, SHOP, 1)
    saved = await owner.send(page, EDIT, do="save", name="Other", at_daily="04:00", kind="daily")

    cron = await crons.get(redis, SHOP, 1)
    assert (same.path, saved.path) == (f"{PATH}/1", f"{PATH}/1")
    assert unchanged.name == "Nightly invoices"
    assert (cron.name, cron.cron_expression) == ("Other", "0 4 * * *")
    assert (cron.headers, cron.payload, cron.max_runs, cron.labels) == (
        *({"Authorization": "********"}, "one\ntwo", 7, {"a": "b"}),
    )


async def test_a_change_of_somebody_else_is_said_before_it_is_written_over(
    owner: Browser, redis: Redis
) -> None:
    await a_cron(redis)
    page = await owner.open(EDIT)
    await crons.update(call_of(redis, SHOP), 1, CronUpdate(timeout_seconds=60))

    told = await owner.send(page, EDIT, do="save", name="Mine")
    before = (await crons.get(redis, SHOP, 1)).name
    saved = await owner.send(told, EDIT, do="save")

    assert (told.status, "Somebody else changed this cron" in told.text) == (409, True)
    assert before == "Nightly invoices"
    assert saved.path == f"{PATH}/1"
    assert (await crons.get(redis, SHOP, 1)).name == "Mine"


async def test_a_copy_has_all_but_what_is_secret(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, headers={"Authorization": "Bearer abc", "X-Run": "1"}, payload="[1]")

    fields = (await owner.open(f"{NEW}?copy=1")).form(NEW).fields

    assert fields["name"] == "Nightly invoices (copy)"
    assert (fields["headers"], fields["payload"]) == ("X-Run: 1", "[1]")
    assert (fields["kind"], fields["at_daily"]) == ("daily", "02:30")


async def test_the_zone_of_a_new_one_is_that_of_the_browser(owner: Browser) -> None:
    owner.client.cookies.set("recuro-zone", "Asia%2FTokyo")

    page = await owner.open(NEW)

    assert page.form(NEW).fields["timezone"] == "Asia/Tokyo"
    assert "in Tokyo" in page.text
