"""Results are written in batches, and one that cannot be written stands in nobody's way."""

import asyncio
from contextlib import suppress

from redis.exceptions import NoPermissionError

from services.worker.intake.results import Results
from services.worker.work import Complete, Job, Result
from shared.errors import Damaged
from shared.runtime.steadily import Troubles


def a_result(number: int) -> Result:
    return Result(Job("s0", 1, "1", number, "s:", "1-0", 1, 0, "{}"), Complete())


class Book:
    """Takes results but those of two ids."""

    def __init__(self) -> None:
        self.written: list[int] = []
        self.given_up: list[int] = []
        self.refusals = 2

    async def write(self, batch: list[Result]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise NoPermissionError("this user has no permissions")
        ids = [result.work.id for result in batch]
        if {3, 6} & set(ids):
            raise Damaged("WRONGTYPE")
        self.written += ids

    def give_up(self, result: Result) -> None:
        self.given_up.append(result.work.id)


async def test_what_cannot_be_written_is_found_and_the_others_are_written() -> None:
    book = Book()
    results = Results(book.write, book.give_up, Troubles())
    writing = asyncio.ensure_future(results.run())

    for number in range(1, 9):
        results.record(a_result(number))
    await results.drain(10)

    assert (book.written, book.given_up) == ([1, 2, 4, 5, 7, 8], [3, 6])
    writing.cancel()
    with suppress(asyncio.CancelledError):
        await writing
