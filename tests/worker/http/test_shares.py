"""Places that teams share, and what becomes of one whose waiter leaves."""

import asyncio
from contextlib import suppress

from services.worker.http.shares import Shares


async def _wait_for_place(shares: Shares, team: int) -> None:
    async with shares.place(team, 60):
        pass


async def test_a_place_freed_as_its_waiter_leaves_goes_to_the_next_one() -> None:
    shares, was_served = Shares(1, 1), asyncio.Event()

    async def wait() -> None:
        async with shares.place(3, 60):
            was_served.set()

    async with shares.place(1, 60):
        leaving, staying = asyncio.create_task(_wait_for_place(shares, 2)), asyncio.create_task(wait())
        await asyncio.sleep(0)
        leaving.cancel()  # and before it runs again, the place below is given back
    with suppress(asyncio.CancelledError):
        await leaving
    await asyncio.wait_for(staying, 5)

    assert was_served.is_set()


async def test_a_waiter_that_leaves_takes_no_place_of_its_team_along() -> None:
    shares = Shares(1, 1)

    async with shares.place(1, 60):
        leaving = asyncio.create_task(_wait_for_place(shares, 2))
        await asyncio.sleep(0)
        leaving.cancel()
    with suppress(asyncio.CancelledError):
        await leaving

    async with shares.place(2, 1):
        pass


async def test_who_comes_behind_one_that_leaves_gets_the_free_place() -> None:
    shares = Shares(1, 1)

    async with shares.place(1, 60):
        leaving = asyncio.create_task(_wait_for_place(shares, 2))
        await asyncio.sleep(0)
        behind = asyncio.create_task(_wait_for_place(shares, 2))
        leaving.cancel()
    await asyncio.wait_for(behind, 5)

    assert leaving.cancelled()
