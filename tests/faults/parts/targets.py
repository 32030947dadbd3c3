"""A target that counts its concurrent requests, and fails now and then on one path."""

from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import web

from tests.target import Target

FLAKY = "/flaky"
"""Every third request to this path fails."""


class CountingTarget(Target):
    """Counts the most concurrent requests by path."""

    def __init__(self) -> None:
        super().__init__()
        self.most: Counter[str] = Counter()
        self._in_hand: Counter[str] = Counter()
        self._flaky = 0
        self.before_answer: Callable[[str], Awaitable[None]] | None = None
        """Called with the path, in the loop of the target, before each answer."""

    @property
    def in_hand(self) -> int:
        return self._in_hand.total()

    async def _receive(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.path
        self._in_hand[path] += 1
        self.most[path] = max(self.most[path], self._in_hand[path])
        try:
            answer = await super()._receive(request)
            if self.before_answer:
                await self.before_answer(path)
        finally:
            self._in_hand[path] -= 1
        if path == FLAKY:
            self._flaky += 1
            return web.Response(status=500) if self._flaky % 3 == 0 else answer
        return answer
