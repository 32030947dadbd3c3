"""Names are looked up once, within five seconds, and every address they have is judged."""

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

from shared.addresses import Address, Policy, Refusal
from shared.schemas.runs import FailureReason

LOOKUP_SECONDS, LOOKUP_THREADS = 5.0, 32
KEPT_SECONDS, FAILURE_KEPT_SECONDS, KEPT_NAMES = 30.0, 2.0, 4096


class NameNotFound(Refusal):
    reason = FailureReason.DNS_ERROR


def look_up(name: str) -> list[str]:
    """The system's addresses for a name; blocks, and raises OSError or UnicodeError."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in found))


class Resolver:
    """Names to judged addresses, each looked up once at a time and remembered for seconds."""

    def __init__(
        self,
        policy: Policy,
        look_up: Callable[[str], Iterable[str]] = look_up,
        *,
        seconds: float = LOOKUP_SECONDS,
    ) -> None:
        self._policy = policy
        self._look_up = look_up
        self._seconds = seconds
        # The loop's own pool has a few threads on small machines: some dead names would stop all requests.
        self._threads = ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="lookup")
        self._kept: OrderedDict[str, tuple[float, tuple[Address, ...] | Refusal]] = OrderedDict()
        self._running: dict[str, asyncio.Task[tuple[Address, ...] | Refusal]] = {}

    async def addresses(self, name: str) -> tuple[Address, ...]:
        """Raises NameNotFound, or BlockedAddress if only one of them must not be dialled."""
        until, answer = self._kept.get(name, (0.0, ()))
        if until <= time.monotonic():
            answer = await asyncio.shield(self._lookup(name))
        if isinstance(answer, Refusal):
            raise type(answer)(str(answer))  # a fresh one: a kept one would gather tracebacks
        return answer

    async def close(self) -> None:
        for task in tuple(self._running.values()):
            task.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

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
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._seconds):
                found = await loop.run_in_executor(self._threads, self._look_up, name)
            addresses = tuple(map(ip_address, found))
        except TimeoutError:
            raise NameNotFound(f"{name} was not resolved within {self._seconds:g} s.") from None
        except (OSError, ValueError):  # UnicodeError, of an overlong label, is a ValueError
            raise NameNotFound(f"{name} could not be resolved.") from None
        if not addresses:
            raise NameNotFound(f"{name} has no address.")
        return addresses
