"""What many ask for at once, done together."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from itertools import islice
from typing import Generic, TypeVar

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.errors import Damaged
from shared.store.connection import OutcomeUnknown

Q = TypeVar("Q")
A = TypeVar("A")
K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_GONE = (RedisConnectionError, RedisTimeoutError, OSError)
_MOST_CALLS = 4
"""Of `Joined` at a time: Redis has the next one when it has done one."""


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
            _fail_all(batch, error)
        except Exception as error:  # it is of whoever asked
            _fail_all(batch, error)
        else:
            for answers, value in zip(batch.values(), found, strict=True):
                tell(answers, value)


class Joined(Generic[Q, A]):
    """Writes of many callers: who comes while none is under way goes alone, others go together.

    What comes in one turn of the event loop goes together, in calls of at most `most`, of which few are under
    way at a time: Redis works while answers are handled. Where Redis goes away what waits is not sent, and is
    told so. Whoever leaves before its turn has nothing done.
    """

    def __init__(
        self,
        alone: Callable[[Q], Awaitable[A]],
        together: Callable[[Sequence[Q]], Awaitable[Sequence[A | Exception]]],
        most: int,
    ) -> None:
        self._alone, self._together, self._most = alone, together, most
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._sending: set[asyncio.Task[None]] = set()
        self._under_way = 0

    async def do(self, asked: Q) -> A:
        """What comes of it; raises what it raises."""
        if self._under_way:
            answer: asyncio.Future[A] = asyncio.get_running_loop().create_future()
            if not self._waiting:
                asyncio.get_running_loop().call_soon(self._send_waiting)
            self._waiting.append((asked, answer))
            return await answer
        self._under_way = 1
        try:
            return await self._alone(asked)
        except _GONE as error:
            self._refuse(error)
            raise
        finally:
            self._under_way -= 1
            self._send_waiting()

    def _send_waiting(self) -> None:
        while self._under_way < _MOST_CALLS and (batch := self._next()):
            self._under_way += 1
            task = asyncio.create_task(self._send(batch))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def _next(self) -> list[tuple[Q, asyncio.Future[A]]]:
        """What goes together now, without what its caller left."""
        batch: list[tuple[Q, asyncio.Future[A]]] = []
        while self._waiting and len(batch) < self._most:
            one = self._waiting.popleft()
            if not one[1].done():
                batch.append(one)
        return batch

    async def _send(self, batch: "Sequence[tuple[Q, asyncio.Future[A]]]") -> None:
        try:
            answers = await self._answers([asked for asked, _ in batch])
        except asyncio.CancelledError:
            answers = [OutcomeUnknown("the process ends")] * len(batch)
        finally:
            self._under_way -= 1
            self._send_waiting()
        for (_, future), answer in zip(batch, answers, strict=True):
            if isinstance(answer, Exception):
                fail([future], answer)
            else:
                tell([future], answer)

    async def _answers(self, asked: Sequence[Q]) -> Sequence[A | Exception]:
        try:
            return [await self._alone(asked[0])] if len(asked) == 1 else await self._together(asked)
        except Exception as error:  # it is of all who asked
            if isinstance(error, _GONE):
                self._refuse(error)
            return [error] * len(asked)

    def _refuse(self, error: Exception) -> None:
        """What waits was not sent, whatever became of what was."""
        while self._waiting:
            fail([self._waiting.popleft()[1]], RedisConnectionError(str(error)))


def tell(answers: "Iterable[asyncio.Future[V]]", value: V) -> None:
    """Give it to those who still wait for it."""
    for answer in answers:
        if not answer.done():
            answer.set_result(value)


def fail(answers: "Iterable[asyncio.Future[V]]", error: Exception) -> None:
    """Raise it at those who still wait."""
    for answer in answers:
        if not answer.done():
            answer.set_exception(error)
            answer.exception()  # who asked may leave before it looks, and then nobody does


def _fail_all(batch: "dict[K, list[asyncio.Future[V]]]", error: Exception) -> None:
    for answers in batch.values():
        fail(answers, error)
