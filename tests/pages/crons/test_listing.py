"""The list of crons on a page: what stands first, what is found, and what is done to those that are chosen."""

import pytest
from redis.asyncio import Redis

from shared.actions import crons
from shared.schemas.crons import CronFilter, CronQuery
from shared.store.keyspace import Team
from tests.pages.browser import Browser, enter, make_user
from tests.pages.crons import filling
from tests.pages.crons.filling import SHOP, a_cron

PATH = "/t/1/crons"


async def names(redis: Redis) -> list[str]:
    found = await crons.page(redis, SHOP, CronQuery(per_page=100))
    return [cron.name for cron in found.data]


def order(text: str, *wanted: str) -> list[str]:
    """Those names in the order in which the page has them."""
    return sorted(wanted, key=text.index)


async def test_an_empty_team_is_shown_how_to_make_the_first(owner: Browser) -> None:
    page = await owner.open(PATH)

    assert page.status == 200
    assert "Nothing fires yet" in page.text
    assert f"{PATH}/new" in page.links
    assert "/api/crons -H" in page.text


async def test_what_fails_stands_first_and_the_title_says_so(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "oox", name="failing one", cron_expression="* * * * *")
    await a_cron(redis, "ooo", name="well and newer", cron_expression="* * * * *")
    await a_cron(redis, name="paused one", is_active=False)

    page = await owner.open(PATH)

    assert "<title>1 failing · Crons · Recuro</title>" in page.response.text
    assert "One of 3 is failing." in page.text
    assert order(page.text, "failing one", "well and newer", "paused one") == [
        *("failing one", "well and newer", "paused one"),
    ]
    assert "Last 3 fires: 2 completed, 1 failed" in page.response.text


@pytest.mark.parametrize(
    ("sort", "first"),
    [("name", "a"), ("newest", "c"), ("next_run", "b"), ("nonsense", "c")],
)
async def test_it_is_sorted_as_wanted(owner: Browser, redis: Redis, sort: str, first: str) -> None:
    await a_cron(redis, name="cron a", cron_expression="0 0 1 1 *")
    await a_cron(redis, name="cron b", cron_expression="* * * * *")
    await a_cron(redis, name="cron c", cron_expression="0 0 2 1 *")

    page = await owner.open(f"{PATH}?sort={sort}")

    assert order(page.text, "cron a", "cron b", "cron c")[0] == f"cron {first}"


async def test_tabs_count_all_whatever_is_searched_for(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, "x", name="failing", cron_expression="* * * * *")
    await a_cron(redis, name="beat", mode="heartbeat", url="")
    await a_cron(redis, name="paused", is_active=False)

    page = await owner.open(f"{PATH}?q=beat")

    assert "All 3 Failing 1 Heartbeats 1 Paused 1 Ended 0" in page.text
    assert "waits for a ping" in page.text
    assert "billing.example.com" not in page.text
    assert "?q=status%3Afailing" in page.links


async def test_a_search_that_cannot_be_understood_says_what_was_meant(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, name="the one")

    page = await owner.open(f"{PATH}?q=statos:failing")

    assert page.status == 422
    assert "status" in page.text
    assert "the one" not in page.text
    assert 'value="statos:failing"' in page.response.text


async def test_nothing_found_and_a_page_too_far_lead_back(owner: Browser, redis: Redis) -> None:
    await a_cron(redis)

    nothing, beyond = await owner.open(f"{PATH}?q=xyz"), await owner.open(f"{PATH}?page=9")

    assert "No cron is found by “xyz”." in nothing.text
    assert "beyond the last one" in beyond.text


async def test_a_switch_pauses_and_resumes_from_the_list(owner: Browser, redis: Redis) -> None:
    cron = await a_cron(redis)

    paused = await owner.send(await owner.open(PATH), f"{PATH}/{cron.id}/pause")
    is_active = (await crons.get(redis, SHOP, cron.id)).is_active
    resumed = await owner.send(await owner.open(PATH), f"{PATH}/{cron.id}/resume")

    assert (paused.path, is_active) == (PATH, False)
    assert (resumed.path, (await crons.get(redis, SHOP, cron.id)).is_active) == (PATH, True)


@pytest.mark.parametrize(
    ("action", "said"),
    [("pause", "2 paused."), ("run", "2 started."), ("resume", "0 resumed, 2 already so.")],
)
async def test_those_that_are_chosen_are_done_at_once(
    owner: Browser, redis: Redis, action: str, said: str
) -> None:
    for name in "abc":
        await a_cron(redis, name=name)
    page = await owner.open(PATH)

    done = await owner.send(page, f"{PATH}/bulk", action=action, **{"id-1": "on", "id-3": "on"})
    again = await owner.send(page, f"{PATH}/bulk", action=action, **{"id-1": "on", "id-3": "on"})

    assert said in done.text
    assert said in again.text
    states = [(await crons.get(redis, SHOP, one)).is_active for one in (1, 2, 3)]
    assert states == [action != "pause", True, action != "pause"]
    ran = [len((await filling.past_of(redis, one)).data) for one in (1, 2, 3)]
    assert ran == ([1, 0, 1] if action == "run" else [0, 0, 0])


async def test_deleting_those_that_are_chosen_asks_first(owner: Browser, redis: Redis) -> None:
    for name in ("keep me", "one", "two"):
        await a_cron(redis, name=name)

    asked = await owner.send(
        await owner.open(PATH), f"{PATH}/bulk", action="delete", **{"id-2": "on", "id-3": "on"}
    )
    before = await names(redis)
    done = await owner.send(asked, f"{PATH}/bulk")

    assert "Delete 2 crons?" in asked.text
    assert len(before) == 3
    assert "2 deleted." in done.text
    assert await names(redis) == ["keep me"]


async def test_all_that_were_found_are_meant_beyond_the_page(owner: Browser, redis: Redis) -> None:
    for number in range(27):
        await a_cron(redis, name=f"nightly {number}")
    await a_cron(redis, name="keep me")
    page = await owner.open(f"{PATH}?q=nightly")

    asked = await owner.send(page, f"{PATH}/bulk?q=nightly", action="pause", **{"id-1": "on", "all": "on"})
    before = await crons.page(redis, SHOP, CronQuery(filter=CronFilter.PAUSED))
    done = await owner.send(asked, f"{PATH}/bulk?q=nightly")

    assert "All 27 that were found" in page.text
    assert "Pause all 27 crons?" in asked.text
    assert before.total == 0
    assert "27 paused." in done.text
    active = await crons.page(redis, SHOP, CronQuery(filter=CronFilter.ACTIVE))
    assert [one.name for one in active.data] == ["keep me"]


async def test_all_is_refused_where_nothing_was_looked_for(owner: Browser, redis: Redis) -> None:
    await a_cron(redis)

    page = await owner.post(f"{PATH}/bulk", action="delete", all="on", sure="yes")

    assert page.status == 422
    assert "No search says which ones are all of these." in page.text
    assert await names(redis) == ["Nightly invoices"]


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "pause"},
        {"id-1": "on"},
        {"action": "x", "id-1": "on"},
        {"action": "pause", f"id-{'9' * 5000}": "on"},
    ],
)
async def test_nothing_chosen_changes_nothing(owner: Browser, redis: Redis, fields: dict[str, str]) -> None:
    await a_cron(redis)

    page = await owner.post(f"{PATH}/bulk", **fields)

    assert page.status == 422
    assert "Choose crons first" in page.text
    assert (await crons.get(redis, SHOP, 1)).is_active


async def test_a_member_may_do_all_of_it(member: Browser, redis: Redis) -> None:
    await a_cron(redis)

    page = await member.open(PATH)

    assert {f"{PATH}/new", f"{PATH}/1"} <= {*page.links}
    assert f"{PATH}/bulk" in [form.action for form in page.forms]


async def test_another_team_sees_nothing_of_it(owner: Browser, other: Browser, redis: Redis) -> None:
    await a_cron(redis, "o", name="only for the shop", cron_expression="* * * * *")
    await enter(other, redis, await make_user(redis, "them@example.com", "them"))
    await a_cron(redis, name="theirs", team=Team(2))

    theirs = [await other.open(f"/t/2/crons{rest}") for rest in ("", "/day", "/month", "?q=shop", "/1")]
    taken = await other.open("/t/2/crons/new?copy=1")
    refused = await other.post("/t/1/crons/1/pause")

    assert not [page for page in theirs if "only for the shop" in page.text]
    assert theirs[-1].status == 404 or "theirs" in theirs[-1].text
    assert "only for the shop" not in taken.text
    assert refused.status == 404
    assert (await crons.get(redis, SHOP, 1)).is_active


async def test_times_are_those_of_the_browser_until_utc_is_pressed(owner: Browser, redis: Redis) -> None:
    await a_cron(redis, cron_expression="30 2 * * *", timezone="Asia/Tokyo")
    owner.client.cookies.set("recuro-zone", "Asia%2FTokyo")

    here = await owner.open(PATH)
    utc = await owner.send(here, "/zone")
    back = await owner.send(utc, "/zone")

    assert "Next fire, Tokyo" in here.text
    assert "02:30" in here.text
    assert (utc.path, "Next fire, UTC" in utc.text, "17:30" in utc.text) == (PATH, True, True)
    assert "Next fire, Tokyo" in back.text


@pytest.mark.parametrize("zone", ["../../etc/passwd", "<b>", "x" * 500, "%00", "Europe/Nowhere"])
async def test_a_zone_that_is_none_shows_utc(owner: Browser, redis: Redis, zone: str) -> None:
    await a_cron(redis)
    owner.client.cookies.set("recuro-zone", zone)

    page = await owner.open(PATH)

    assert (page.status, "Next fire, UTC" in page.text) == (200, True)


@pytest.mark.parametrize("after", ["//evil.example", "https://evil.example/", "/t/1/crons?x=<b>", "/api"])
async def test_the_clock_leads_to_no_other_place(owner: Browser, after: str) -> None:
    page = await owner.post("/zone", zone="UTC", next=after)

    assert str(page.response.url).startswith(owner.origin + "/")
    assert "evil" not in str(page.response.url)
    assert "%3Cb" not in str(page.response.url)


async def test_many_with_long_names_are_sorted_and_turned_page_by_page(owner: Browser, redis: Redis) -> None:
    for number in range(60):
        await a_cron(redis, name=f"{number:03} {'n' * 240}")

    page = await owner.open(f"{PATH}?sort=name&page=3")

    assert "51 to 60 of 60" in page.text
    assert "050 nnn" in page.text
    assert "049 nnn" not in page.text
    assert "?sort=name&page=2" in page.links
