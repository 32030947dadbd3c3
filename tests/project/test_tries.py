"""Tests that judge a clock have three tries, and nothing else has more than one."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.poll import HELD_UP_SECONDS, OutOfTime, best_of_three, in_time, until


async def tries_of(*took: float) -> int:
    """How many tries a test makes that takes so long each time, of one second that it may take."""
    left: Iterator[float] = iter(took)

    @best_of_three
    async def judged() -> None:
        in_time(next(left), 1.0)

    await judged()
    return len(took) - len(list(left))


@pytest.mark.parametrize(("took", "tries"), [((0.5, 2, 2), 1), ((2, 0.5, 2), 2), ((2, 2, 0.5), 3)])
async def test_one_try_in_time_is_enough(took: tuple[float, ...], tries: int) -> None:
    assert await tries_of(*took) == tries


async def test_what_is_never_in_time_fails() -> None:
    with pytest.raises(OutOfTime, match=r"it took 2\.000, not from 0\.0 to below 1\.0"):
        await tries_of(2, 2, 2, 0.5)


def hold_up(seconds: float) -> None:
    time.sleep(seconds)  # the fault: nothing else of the loop's has its turn


async def failing(tries: list[int], held_up: float) -> None:
    @best_of_three
    async def wrong() -> None:
        tries.append(1)
        await asyncio.sleep(0)  # the turn of others
        hold_up(held_up)
        assert not tries, "wrong"

    await wrong()


@best_of_three
async def test_what_is_wrong_besides_fails_at_once() -> None:
    tries = list[int]()

    with pytest.raises(AssertionError, match="wrong"):
        await failing(tries, 0.0)

    assert len(tries) == 1


async def test_what_is_wrong_while_the_loop_was_held_up_is_tried_again_and_fails_then() -> None:
    tries = list[int]()

    with pytest.raises(AssertionError, match="wrong"):
        await failing(tries, 2 * HELD_UP_SECONDS)

    assert len(tries) == 3


async def test_no_clock_goes_on_ticking() -> None:
    others = asyncio.all_tasks()

    await tries_of(0.5)

    async def is_quiet() -> bool:
        return asyncio.all_tasks() <= others

    await until(is_quiet)
