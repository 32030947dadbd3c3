"""A target that does each piece of work once, and detects repeats by a header, as docs/verify.md says."""

import asyncio
import json
import random
from collections import Counter

from aiohttp import web

from tests.target import Target

BEFORE, AFTER, DROP, STUBBORN, WELL = (
    "fails before",
    "fails after",
    "drops after",
    "fails until healed",
    "well",
)
MISHAPS = {WELL: 70, BEFORE: 10, AFTER: 5, DROP: 10, STUBBORN: 5}
"""Of a hundred pieces of work, how many meet which fault at their first arrival, or until the receiver is healed."""
WORK_SECONDS = 0.02


class Receiver(Target):
    """`with Receiver(header, rng) as receiver:`; a body is `{"work": name}`, and each name must be done once."""

    def __init__(self, header: str, rng: random.Random) -> None:
        super().__init__()
        self.is_healed = False
        self.done: Counter[str] = Counter()
        self.arrivals: Counter[str] = Counter()
        self.repeats = 0
        """Arrivals under a known key, with the same work: correctly ignored."""
        self.dropped: list[tuple[str, str, str]] = []
        """A key, its work, and other work that came with it: wrongly ignored."""
        self.nameless = 0
        """Arrivals without the header."""
        self._header, self._seed = header, rng.random()
        self.work_of: dict[str, str] = {}
        """The work that was done first under each key."""

    async def _receive(self, request: web.BaseRequest) -> web.StreamResponse:
        work = str(json.loads(await request.read())["work"])
        self.arrivals[work] += 1
        mishap = self._mishap(work)
        if mishap in (BEFORE, STUBBORN):
            return web.Response(status=500)
        self._do(request.headers.get(self._header, ""), work)
        await asyncio.sleep(
            WORK_SECONDS
        )  # a worker that is killed meanwhile has sent it, and got no response
        if mishap == DROP and request.transport is not None:
            request.transport.abort()
        return web.Response(status=500 if mishap == AFTER else 200)

    def _mishap(self, work: str) -> str:
        rng = random.Random(f"{self._seed}:{work}")
        (mishap,) = rng.choices([*MISHAPS], [*MISHAPS.values()])
        is_over = self.is_healed if mishap == STUBBORN else self.arrivals[work] > 1
        return WELL if is_over else mishap

    def _do(self, key: str, work: str) -> None:
        known = self.work_of.get(key)
        if known is None:
            self.done[work] += 1
            self.nameless += not key
        elif known == work:
            self.repeats += 1
        else:
            self.dropped.append((key, known, work))
        if key:
            self.work_of.setdefault(key, work)
