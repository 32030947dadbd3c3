"""Names are looked up once, within five seconds, and every address they have is judged."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from services.worker.http.names import Names
from services.worker.http.permit import NotSent
from services.worker.http.shares import Shares
from shared.schemas.runs import FailureReason
from shared.security.addresses import Address, Policy, Refusal

LOOKUP_SECONDS, PLACE_SECONDS = 5.0, 0.5
"""For one look-up; and for a place, if the team has all of its own in use."""
LOOKUPS, OF_A_TEAM = 512, 32
"""At once: a team's names may all be silent, and nobody else's wait for them."""
KEPT_SECONDS, FAILURE_KEPT_SECONDS, KEPT_NAMES = 30.0, 2.0, 4096
MOST_ADDRESSES = 32
"""Of a name; others are neither judged nor dialled."""


class NoPlace(NotSent):
    """The team has as many look-ups under way as it may; nothing was sent, and later it may be."""


class NameNotFound(Refusal):
    reason = FailureReason.DNS_ERROR


class Resolver:
    """Names to judged addresses, each looked up once at a time and remembered for seconds."""

    def __init__(
        self,
        policy: Policy,
        look_up: Callable[[str], Iterable[str]] | None = None,
        *,
        seconds: float = LOOKUP_SECONDS,
    ) -> None:
        """`look_up` instead of the machine's own names; it may block, and runs in a thread."""
        self._policy = policy
        self._look_up = look_up
        self._seconds = seconds
        self._names: Names | None = None
        self._threads = ThreadPoolExecutor(thread_name_prefix="lookup") if look_up else None
        self._shares = Shares(LOOKUPS, OF_A_TEAM)
        self._kept: OrderedDict[str, tuple[float, tuple[Address, ...] | Refusal]] = OrderedDict()
        self._running: dict[str, asyncio.Task[tuple[Address, ...] | Refusal]] = {}

    async def addresses(self, name: str, team: int = 0) -> tuple[Address, ...]:
        """Raises NameNotFound, or BlockedAddress if only one of them must not be dialled, or NoPlace."""
        answer = self._known(name)
        if answer is None:
            running = self._running.get(name)
            answer = await (asyncio.shield(running) if running else self._in_turn(name, team))
        if isinstance(answer, Refusal):
            raise type(answer)(str(answer))  # a fresh one: a kept one would gather tracebacks
        return answer

    async def close(self) -> None:
        for task in tuple(self._running.values()):
            task.cancel()
        if self._names is not None:
            await self._names.close()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _known(self, name: str) -> tuple[Address, ...] | Refusal | None:
        until, answer = self._kept.get(name, (0.0, ()))
        return answer if until > time.monotonic() else None

    async def _in_turn(self, name: str, team: int) -> tuple[Address, ...] | Refusal:
        try:
            async with self._shares.place(team, PLACE_SECONDS):
                # Others of the team may have looked the name up meanwhile.
                known = self._known(name)
                return await asyncio.shield(self._lookup(name)) if known is None else known
        except TimeoutError:
            raise NoPlace from None

    def _lookup(self, name: str) -> asyncio.Task[tuple[Address, ...] | Refusal]:
        task = self._running.get(name)
        if task is None:
            task = self._running[name] = asyncio.create_task(self._judged(name))
            task.add_done_callback(lambda _: self._running.pop(name, None))
        return task

    async def _judged(self, name: str) -> tuple[Address, ...] | Refusal:
        answer: tuple[Address, ...] | Refusal
        try:
            answer = await self._found(name)
            for address in answer:  # one bad one refuses all: mixed answers are how rebinding looks
                self._policy.check(address, f"{name} resolves to")
        except Refusal as refusal:
            answer = refusal.with_traceback(None)
        seconds = FAILURE_KEPT_SECONDS if isinstance(answer, Refusal) else KEPT_SECONDS
        self._kept[name] = (time.monotonic() + seconds, answer)
        self._kept.move_to_end(name)
        if len(self._kept) > KEPT_NAMES:
            self._kept.popitem(last=False)
        return answer

    async def _found(self, name: str) -> tuple[Address, ...]:
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._asked(name)
            addresses = tuple(map(ip_address, found[:MOST_ADDRESSES]))
        except TimeoutError:
            raise NameNotFound(f"{name} was not resolved within {self._seconds:g} s.") from None
        except (OSError, ValueError):  # UnicodeError, of an overlong label, is a ValueError
            raise NameNotFound(f"{name} could not be resolved.") from None
        if not addresses:
            raise NameNotFound(f"{name} has no address.")
        return addresses

    async def _asked(self, name: str) -> list[str]:
        if self._look_up is not None:
            loop = asyncio.get_running_loop()
            return list(await loop.run_in_executor(self._threads, self._look_up, name))
        if self._names is None:
            self._names = Names()  # in the loop that it is used in
        return await self._names.look_up(name)
