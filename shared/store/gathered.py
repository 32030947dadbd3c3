"""What is read at once is asked for at once: what waits while a command is under way is one round trip."""

import asyncio
from typing import Any, Self

from redis.asyncio import Redis

from shared.store.connection import Store, exchange, translated


class Gathered(Store):
    """A client of the same connections for one reader, who wants many things beside each other.

    An answer comes with those that were asked for beside it, so that a short read waits for a long one.
    """

    trips: int
    """How often it went to Redis."""

    @classmethod
    def of(cls, redis: Redis) -> Self:
        """Made for each reader, and so without what the library does for a client of its own connections."""
        made = cls.__new__(cls)
        made.__dict__.update(redis.__dict__)
        made.trips = 0
        made._asked = []
        made._sending = None
        return made

    _asked: list[tuple[tuple[Any, ...], "asyncio.Future[Any]"]]
    _sending: "asyncio.Task[None] | None"

    async def fcall(self, function: str, numkeys: int, *keys_and_args: Any) -> Any:
        return await self._answer(("FCALL", function, numkeys, *keys_and_args))

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        name = str(args[0])
        if options.keys() - {"keys"}:
            self.trips += 1
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        answer = await self._answer((*name.split(), *args[1:]))
        made = self.response_callbacks.get(name)
        return made(answer) if made else answer

    def pipeline(self, *given: Any, **options: Any) -> Any:
        self.trips += 1
        return super().pipeline(*given, **options)

    async def _answer(self, command: tuple[Any, ...]) -> Any:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked.append((command, answer))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())
        return await answer

    async def _send(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, []
                self.trips += 1
                await self._exchange(asked)
                await asyncio.sleep(0)  # who was answered may ask for more
        finally:
            self._sending = None

    async def _exchange(self, asked: list[tuple[tuple[Any, ...], "asyncio.Future[Any]"]]) -> None:
        try:
            answers = await exchange(self, *(command for command, _ in asked))
        except Exception as error:  # it is of all who asked
            answers = [error] * len(asked)
        for (_, future), answer in zip(asked, answers, strict=True):
            if future.done():  # whoever asked has left
                continue
            if isinstance(answer, Exception):
                future.set_exception(translated(answer))
            else:
                future.set_result(answer)
