"""Keep a few processes running: start, wait until ready, start again after a crash, stop in order."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from services.cli.child import Child
from services.cli.console import Console

STOP_SECONDS = 4.0
STEADY_SECONDS = 10.0
FIRST_DELAY_SECONDS = 0.2
LONGEST_DELAY_SECONDS = 5.0
CRASHES = 5
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NAME = "recuro"


@dataclass(frozen=True, slots=True)
class Service:
    """A process to keep running, the URL that answers 200 once it is ready, and its own environment."""

    name: str
    argv: Sequence[str]
    ready_url: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


class Supervisor:
    """Runs until a stop signal (`run` returns 0) or until a service cannot be kept running (1)."""

    def __init__(self, services: Sequence[Service], environment: Mapping[str, str], console: Console) -> None:
        self._services = services
        self._environment = environment
        self._console = console
        self._stopping = asyncio.Event()
        self._status = 0

    async def run(self, *, when_ready: Callable[[], None], beside: Awaitable[None] | None = None) -> int:
        """Keep all running; `when_ready` is called once all are, `beside` runs along and is cancelled.

        The signal handlers stay until the loop closes: a second Ctrl-C must not cut the caller's stop short.
        """
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self.stop)
        along = [asyncio.ensure_future(beside)] if beside else []
        along.append(asyncio.ensure_future(self._announce(when_ready)))
        try:
            async with asyncio.TaskGroup() as group:
                for service in self._services:
                    group.create_task(self._keep(service))
        finally:
            for task in along:
                task.cancel()
            await asyncio.gather(*along, return_exceptions=True)
        return self._status

    def stop(self) -> None:
        """Stop everything."""
        if not self._stopping.is_set():
            self._console.say(NAME, "stopping")
        self._stopping.set()

    def fail(self, reason: str) -> None:
        """Say why it cannot go on, and stop everything with exit status 1."""
        self._console.say(NAME, reason)
        self._status = 1
        self._stopping.set()

    async def _keep(self, service: Service) -> None:
        crashes = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            child = await self._start(service)
            status = await self._until_it_ends(child)
            if status is None:
                return
            crashes = 1 if time.monotonic() - started > STEADY_SECONDS else crashes + 1
            if crashes >= CRASHES:
                self._give_up(service, child)
                return
            delay = min(FIRST_DELAY_SECONDS * 2 ** (crashes - 1), LONGEST_DELAY_SECONDS)
            self._console.say(NAME, f"{service.name} {_ending(status)}; starting it again in {delay:g} s")
            await self._stopped_within(delay)

    async def _start(self, service: Service) -> Child:
        return await Child.start(
            service.argv,
            {**self._environment, **service.environment},
            lambda text: self._console.say(service.name, text),
        )

    async def _until_it_ends(self, child: Child) -> int | None:
        """The exit status if it ended by itself; None if we are stopping and it was stopped."""
        ended = asyncio.ensure_future(child.ended())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((ended, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            if not ended.done() or self._stopping.is_set():
                await child.stop(STOP_SECONDS)
        status = await ended
        return None if self._stopping.is_set() else status

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            return await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False

    def _give_up(self, service: Service, child: Child) -> None:
        for line in child.last_lines:
            self._console.write(f"    {line}")
        self.fail(f"{service.name} ended {CRASHES} times in a row; its last lines are above")

    async def _announce(self, when_ready: Callable[[], None]) -> None:
        urls = [service.ready_url for service in self._services if service.ready_url]
        async with httpx.AsyncClient(trust_env=False, timeout=1) as client:  # never through a proxy
            for url in urls:
                await _until_ready(client, url)
        when_ready()


async def _until_ready(client: httpx.AsyncClient, url: str) -> None:
    while True:
        with contextlib.suppress(httpx.HTTPError):
            if (await client.get(url)).status_code == httpx.codes.OK:
                return
        await asyncio.sleep(0.05)


def _ending(status: int) -> str:
    return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
