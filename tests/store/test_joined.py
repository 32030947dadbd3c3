"""Writes of many callers that go together: none waits for nothing, is done twice, or is hurt by another."""

import asyncio
from collections.abc import Sequence

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from shared.store.connection import AnswerLost
from shared.store.together import Joined


class Sent:
    """What went out, call by call; each comes back when it is let go."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.ends: list[asyncio.Future[None]] = []
        self.joined = Joined(self._alone, self._together, 3)

    def ask(self, *numbers: int) -> list[asyncio.Task[int]]:
        return [asyncio.create_task(self.joined.do(number)) for number in numbers]

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.calls) < count:
                await asyncio.sleep(0)

    def let_go(self, call: int, error: Exception | None = None) -> None:
        self.ends[call].set_exception(error) if error else self.ends[call].set_result(None)

    async def _alone(self, number: int) -> int:
        return (await self._sent([number]))[0]

    async def _together(self, numbers: Sequence[int]) -> list[int | Exception]:
        return [ValueError(number) if number == 13 else number for number in await self._sent(numbers)]

    async def _sent(self, numbers: Sequence[int]) -> list[int]:
        self.calls.append(list(numbers))
        self.ends.append(asyncio.get_running_loop().create_future())
        await self.ends[-1]
        return [2 * number if number != 13 else 13 for number in numbers]


@pytest.fixture
async def sent() -> Sent:
    return Sent()


async def test_who_comes_alone_goes_alone_and_others_go_together_by_so_many(sent: Sent) -> None:
    tasks = sent.ask(1, 2, 3, 4, 5)
    await sent.until(3)

    assert sent.calls == [[1], [2, 3, 4], [5]]
    for call in (2, 0, 1):
        sent.let_go(call)
    assert await asyncio.gather(*tasks) == [2, 4, 6, 8, 10]


async def test_few_calls_are_under_way_and_what_comes_meanwhile_goes_when_one_is_back(sent: Sent) -> None:
    tasks = sent.ask(*range(20, 34))
    await sent.until(4)
    assert sent.calls == [[20], [21, 22, 23], [24, 25, 26], [27, 28, 29]]

    sent.let_go(1)
    await sent.until(5)

    assert sent.calls[4] == [30, 31, 32]
    for call in (0, 2, 3, 4):
        sent.let_go(call)
    await sent.until(6)
    sent.let_go(5)
    assert await asyncio.gather(*tasks) == [2 * number for number in range(20, 34)]


async def test_an_error_of_one_is_no_error_of_the_others(sent: Sent) -> None:
    tasks = sent.ask(1, 2, 13, 3)
    await sent.until(2)
    sent.let_go(0)
    sent.let_go(1)

    found = await asyncio.gather(*tasks, return_exceptions=True)

    assert [found[0], found[1], found[3]] == [2, 4, 6]
    assert isinstance(found[2], ValueError)


async def test_who_leaves_before_its_turn_has_nothing_done(sent: Sent) -> None:
    tasks = sent.ask(*range(10))
    await sent.until(4)
    left = sent.ask(77)[0]
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    for call in range(4):
        sent.let_go(call)

    assert await asyncio.gather(*tasks) == [2 * number for number in range(10)]
    assert not [call for call in sent.calls if 77 in call]
    again = sent.ask(8)
    await sent.until(5)
    sent.let_go(4)
    assert await again[0] == 16


async def test_what_waits_when_redis_goes_away_is_not_sent_and_told_so(sent: Sent) -> None:
    tasks = sent.ask(*range(12))
    await sent.until(4)

    sent.let_go(0, AnswerLost("it went away"))
    found = await asyncio.gather(tasks[0], *tasks[10:], return_exceptions=True)

    assert type(found[0]) is AnswerLost
    assert [type(one) for one in found[1:]] == [RedisConnectionError] * 2, (
        "these were not sent: no doubt about them"
    )
    for call in range(1, 4):
        sent.let_go(call)
    assert await asyncio.gather(*tasks[1:10]) == [2 * number for number in range(1, 10)]


async def test_another_error_of_redis_is_told_to_its_call_alone(sent: Sent) -> None:
    tasks = sent.ask(*range(12))
    await sent.until(4)
    sent.let_go(1, ValueError("it is full"))
    for call in (0, 2, 3):
        sent.let_go(call)
    await sent.until(5)
    sent.let_go(4)

    found = await asyncio.gather(*tasks, return_exceptions=True)

    assert [number for number, one in enumerate(found) if isinstance(one, ValueError)] == [1, 2, 3]
