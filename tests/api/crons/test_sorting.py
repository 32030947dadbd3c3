"""Crons in another order than the newest first, and how many there are of each kind."""

import pytest
from redis.asyncio import Redis

from shared.actions import crons
from shared.actions.searches import sorting
from shared.errors import Invalid
from shared.schemas.crons import CronFilter, CronQuery, CronSort
from shared.store.keyspace import Team
from tests.fires import a_cron
from tests.pages.crons.filling import a_cron as a_cron_with_past

SHOP, OTHER = Team(1), Team(2)


async def ids(redis: Redis, **query: object) -> list[int]:
    found = await sorting.page(redis, SHOP, CronQuery.model_validate(query))
    return [cron.id for cron in found.data]


async def some(redis: Redis) -> None:
    """Well; failing; paused; the first to fire; a heartbeat; and one of another team."""
    await a_cron(redis, SHOP, name="delta", cron_expression="0 5 * * *")
    await a_cron_with_past(redis, "x", name="Bravo", cron_expression="* * * * *")
    await a_cron(redis, SHOP, name="charlie", is_active=False)
    await a_cron(redis, SHOP, name="alpha", cron_expression="* * * * *")
    await a_cron(redis, SHOP, name="echo", cron_expression="0 6 * * *", mode="heartbeat", url="")
    await a_cron(redis, OTHER, name="not ours")


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (CronSort.NEWEST, [5, 4, 3, 2, 1]),
        (CronSort.ATTENTION, [2, 5, 4, 1, 3]),
        (CronSort.NAME, [4, 2, 3, 1, 5]),
    ],
)
async def test_it_is_in_that_order(redis: Redis, sort: CronSort, order: list[int]) -> None:
    await some(redis)

    assert await ids(redis, sort=sort) == order
    assert [one for page in (1, 2, 3) for one in await ids(redis, sort=sort, page=page, per_page=2)] == order


async def test_the_next_to_fire_comes_first_and_what_does_not_fire_last(redis: Redis) -> None:
    await some(redis)

    found = await sorting.page(redis, SHOP, CronQuery(sort=CronSort.NEXT_RUN))

    moments = [cron.next_run_at for cron in found.data]
    assert moments[-1] is None
    assert moments[:-1] == sorted(one for one in moments if one)


async def test_it_counts_all_whatever_is_searched_for(redis: Redis) -> None:
    await some(redis)
    query = CronQuery(sort=CronSort.ATTENTION, q="name:bravo", filter=CronFilter.ACTIVE)

    found = await sorting.page(redis, SHOP, query)

    assert ([cron.id for cron in found.data], found.total) == ([2], 1)
    assert found.counts
    assert found.counts.model_dump() == {
        **{"all": 5, "failing": 1, "paused": 1, "ended": 0, "heartbeats": 1},
    }


async def test_the_newest_first_is_not_counted_and_costs_what_it_did(redis: Redis) -> None:
    await some(redis)

    found = await sorting.page(redis, SHOP, CronQuery())

    assert found.counts is None
    assert found.data == (await crons.page(redis, SHOP, CronQuery())).data


async def test_search_and_filter_leave_what_they_leave_otherwise(redis: Redis) -> None:
    await some(redis)

    assert await ids(redis, sort="name", search="a") == [4, 2, 3, 1]
    assert await ids(redis, sort="name", filter="paused") == [3]
    assert await ids(redis, sort="name", q="status:failing") == [2]
    with pytest.raises(Invalid):
        await ids(redis, sort="name", q="statos:failing")


async def test_who_made_them_is_looked_up_where_it_is_asked_for(redis: Redis) -> None:
    await some(redis)

    assert await ids(redis, sort="name", q="by:nobody") == []
    assert await ids(redis, sort="name", q="-by:nobody") == [4, 2, 3, 1, 5]


async def test_more_than_a_step_has_are_sorted_as_one(redis: Redis) -> None:
    for number in range(260):
        await a_cron(redis, SHOP, name=f"{(number * 77) % 260:03}")

    found = await sorting.page(redis, SHOP, CronQuery(sort=CronSort.NAME, page=3, per_page=100))

    assert [cron.name for cron in found.data] == [f"{number:03}" for number in range(200, 260)]
    assert found.counts
    assert (found.total, found.counts.all, found.looked_at) == (260, 260, None)
