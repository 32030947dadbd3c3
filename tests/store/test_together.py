"""Reads that many ask for at once: one read for all, and nobody is hurt by a neighbour."""

import asyncio
from collections.abc import Sequence

import pytest

from shared.errors import Damaged
from shared.store.together import Together

reads: list[list[int]] = []


@pytest.fixture(autouse=True)
def no_reads() -> None:
    reads.clear()


async def doubled(keys: Sequence[int]) -> list[int]:
    reads.append(list(keys))
    await asyncio.sleep(0)
    if 13 in keys:
        raise Damaged("it cannot be read", "The record")
    if 99 in keys:
        raise ZeroDivisionError
    return [2 * key for key in keys]


async def test_what_many_ask_for_at_once_is_read_once() -> None:
    together = Together(doubled, 10)

    found = await asyncio.gather(*(together.get(key) for key in [1, 2, 1, 2, 1]))

    assert found == [2, 4, 2, 4, 2]
    assert reads == [[1, 2]]


async def test_at_most_so_many_are_read_at_once() -> None:
    together = Together(doubled, 2)

    await asyncio.gather(*(together.get(key) for key in range(5)))

    assert reads == [[0, 1], [2, 3], [4]]


async def test_a_read_may_go_out_while_another_is_under_way() -> None:
    under_way, most = 0, 0

    async def read(keys: Sequence[int]) -> list[int]:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        found = await doubled(keys)
        under_way -= 1
        return found

    together = Together(read, 2, abreast=2)

    found = await asyncio.gather(*(together.get(key) for key in range(7)))

    assert found == [2 * key for key in range(7)]
    assert [len(keys) for keys in reads] == [2, 2, 2, 1]
    assert most == 2


async def test_what_one_read_has_room_for_is_not_read_in_two() -> None:
    together = Together(doubled, 10, abreast=2)

    await asyncio.gather(*(together.get(key) for key in range(10)))

    assert reads == [list(range(10))]


async def test_what_is_asked_for_as_a_read_ends_is_read() -> None:
    together = Together(doubled, 2, abreast=2)
    first = asyncio.create_task(together.get(1))
    first.add_done_callback(lambda _: found.append(asyncio.create_task(together.get(2))))
    found: list[asyncio.Task[int]] = []
    await first
    await asyncio.sleep(0)

    assert await found[0] == 4


async def test_what_is_asked_for_while_a_read_is_out_is_read_anew() -> None:
    together = Together(doubled, 10)
    first = asyncio.create_task(together.get(1))
    while not reads:
        await asyncio.sleep(0)

    second = asyncio.create_task(together.get(1))

    assert [await first, await second] == [2, 2]
    assert reads == [[1], [1]]


async def test_who_leaves_takes_nothing_from_others_who_want_the_same() -> None:
    together = Together(doubled, 10)
    leaving, staying = (asyncio.create_task(together.get(1)) for _ in range(2))
    while not reads:
        await asyncio.sleep(0)

    leaving.cancel()

    assert await staying == 2
    assert leaving.cancelled()


async def test_a_damaged_one_is_told_to_those_who_want_it_and_to_no_neighbour() -> None:
    together = Together(doubled, 10)

    found = await asyncio.gather(*(together.get(key) for key in [1, 13, 2, 13]), return_exceptions=True)

    assert [one if isinstance(one, int) else type(one).__name__ for one in found] == [
        2,
        "Damaged",
        4,
        "Damaged",
    ]


async def test_what_no_read_answers_fails_for_all_and_the_next_read_goes_well() -> None:
    together = Together(doubled, 10)

    found = await asyncio.gather(*(together.get(key) for key in [1, 99]), return_exceptions=True)

    assert [type(one) for one in found] == [ZeroDivisionError] * 2
    assert await together.get(1) == 2
