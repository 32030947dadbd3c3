"""Reads that many ask for at once, done together."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from itertools import islice
from typing import Generic, TypeVar

from shared.errors import Damaged

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Together(Generic[K, V]):
    """One round trip for all that was asked for while those before were under way, in parts of `most`.

    What is asked for after a read went out is read anew: an answer is never older than its question. A read
    that makes much of what it found, or asks twice, goes `abreast` of another, which Redis answers meanwhile.
    """

    def __init__(
        self, read: Callable[[Sequence[K]], Awaitable[Sequence[V]]], most: int, abreast: int = 1
    ) -> None:
        self._read = read
        self._most = most
        self._abreast = abreast
        self._asked: dict[K, list[asyncio.Future[V]]] = {}
        self._reading: set[object] = set()

    async def get(self, key: K) -> V:
        """What the read finds for the key; raises what it raises."""
        # Each has a future of its own: whoever leaves takes nothing from others who want the same.
        answer: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        if (asked := self._asked.get(key)) is None:
            self._asked[key] = [answer]
        else:
            asked.append(answer)
        reads = len(self._reading)
        # Who asks first does so for all of this turn; another read is for what is too much for those.
        if not reads or (reads < self._abreast and len(self._asked) > reads * self._most):
            self._reading.add(asyncio.create_task(self._read_all()))
        return await answer

    async def _read_all(self) -> None:
        try:
            while self._asked:
                batch = {key: self._asked.pop(key) for key in list(islice(self._asked, self._most))}
                await self._read_batch(batch)
        finally:
            self._reading.discard(asyncio.current_task())

    async def _read_batch(self, batch: dict[K, "list[asyncio.Future[V]]"]) -> None:
        try:
            found = await self._read(list(batch))
        except Damaged as error:
            if len(batch) > 1:  # it is of one of them, and not its neighbours'
                for key, answers in batch.items():
                    await self._read_batch({key: answers})
                return
            _fail(batch, error)
        except Exception as error:  # it is of whoever asked
            _fail(batch, error)
        else:
            for answers, value in zip(batch.values(), found, strict=True):
                _tell(answers, value)


def _tell(answers: "list[asyncio.Future[V]]", value: V) -> None:
    for answer in answers:
        if not answer.done():
            answer.set_result(value)


def _fail(batch: "dict[K, list[asyncio.Future[V]]]", error: Exception) -> None:
    for answers in batch.values():
        for answer in answers:
            if not answer.done():
                answer.set_exception(error)
                answer.exception()  # who asked may leave before it looks, and then nobody does
