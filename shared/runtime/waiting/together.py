"""Reads that many ask for at once, done together."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from itertools import islice
from typing import Generic, TypeVar

from shared.errors import Damaged

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Together(Generic[K, V]):
    """One round trip for all that was asked for while the one before was under way, in parts of `most`.

    What is asked for after a read went out is read anew: an answer is never older than its question.
    """

    def __init__(self, read: Callable[[Sequence[K]], Awaitable[Sequence[V]]], most: int) -> None:
        self._read = read
        self._most = most
        self._asked: dict[K, asyncio.Future[V]] = {}
        self._reading: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V:
        """What the read finds for the key; raises what it raises."""
        answer = self._asked.get(key)
        if answer is None:
            answer = self._asked[key] = asyncio.get_running_loop().create_future()
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_all())
        return await asyncio.shield(answer)  # others may wait for the same

    async def _read_all(self) -> None:
        try:
            while self._asked:
                batch = {key: self._asked.pop(key) for key in list(islice(self._asked, self._most))}
                await self._read_batch(batch)
        finally:
            self._reading = None

    async def _read_batch(self, batch: dict[K, "asyncio.Future[V]"]) -> None:
        try:
            found = await self._read(list(batch))
        except Damaged as error:
            if len(batch) > 1:  # it is of one of them, and not its neighbours'
                for key, answer in batch.items():
                    await self._read_batch({key: answer})
                return
            _fail(batch, error)
        except Exception as error:  # it is of whoever asked
            _fail(batch, error)
        else:
            for answer, value in zip(batch.values(), found, strict=True):
                answer.set_result(value)


def _fail(batch: "dict[K, asyncio.Future[V]]", error: Exception) -> None:
    for answer in batch.values():
        answer.set_exception(error)
        answer.exception()  # those who asked may be gone: then nobody looks at it
