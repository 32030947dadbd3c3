"""Work on bodies beside the worker: what others choose the size of must not hold up its loop.

Patterns, long JSON and long packed bodies are worked on by a few processes of ours; one that takes long is
replaced. A team has one of them at a time, so that it delays nobody's work but its own.
"""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import structlog
from pydantic_core import from_json

from services.worker.http.bodies import aside_process
from services.worker.http.bodies.aside_process import LENGTH, UNPACK, WHY_NOT, framed
from services.worker.http.bodies.checks import PATTERN, Wanted, why_not
from services.worker.http.bodies.coding import Unpacked, unpacked
from services.worker.http.shares import Shares

PROCESSES, OF_A_TEAM = 2, 1
CPU_SECONDS = 1.0
"""Of the processor's time for one body; a common pattern needs a hundredth for all that is read of one."""
WALL_SECONDS = 15.0
"""And of anybody's time, on a machine that has much else to do."""
WAIT_SECONDS = 30.0
SMALL_BYTES = 64 * 1024
"""What takes 10 ms at most, and is done right here unless a pattern is looked for."""
ENDING_SECONDS = 1.0
_TRIES = 2
_ENDED = (asyncio.IncompleteReadError, ConnectionError)
"""What is met at the pipes of a process that has ended."""

log = structlog.get_logger()


class NotDone(Exception):
    """It could not be done within its bounds; `str()` is why."""


class Aside:
    """The processes, started when they are needed first; `close` ends them."""

    def __init__(self, *, cpu_seconds: float = CPU_SECONDS) -> None:
        self._cpu_seconds = cpu_seconds
        self._shares = Shares(PROCESSES, OF_A_TEAM)
        self._idle: list[Process] = []
        self._all: set[Process] = set()

    async def why_not(self, team: int, wanted: Wanted, body: bytes, *, is_whole: bool) -> str | None:
        """Why an assertion of a body does not hold, or why nobody can tell; nothing if it does."""
        if len(body) <= SMALL_BYTES and wanted.type != PATTERN:
            return why_not(wanted, body, is_whole=is_whole)
        try:
            why, _ = await self._done(team, framed((WHY_NOT, wanted, is_whole), body))
        except NotDone as reason:
            return str(reason)
        return str(why) if why else None

    async def unpacked(self, team: int, body: bytes, codings: Sequence[str], most: int) -> Unpacked:
        """As `coding.unpacked`; a body that takes too long is left as it is, its coding `unread`."""
        if len(body) <= SMALL_BYTES and len(codings) == 1:
            return unpacked(body, codings, most)
        try:
            (is_whole, unread), found = await self._done(team, framed((UNPACK, codings, most), body))
        except NotDone:
            return Unpacked(body, True, ", ".join(codings))
        return Unpacked(found, is_whole, unread)

    async def close(self) -> None:
        for process in tuple(self._all):
            await self._end(process)

    async def _done(self, team: int, message: bytes) -> tuple[Any, bytes]:
        try:
            async with self._shares.place(team, WAIT_SECONDS):
                return await self._answer(message)
        except TimeoutError:
            said = f"there was no time for it within {WAIT_SECONDS:g} s, so long do the team's others take"
            raise NotDone(said) from None

    async def _answer(self, message: bytes) -> tuple[Any, bytes]:
        """Of the first process that does not end for reasons of its own, once more if one does."""
        for _ in range(_TRIES):
            with suppress(asyncio.IncompleteReadError, OSError):
                process = self._idle.pop() if self._idle else await self._started()
                return await self._answer_of(process, message)
        raise NotDone("nobody could look; the worker's log says why")

    async def _started(self) -> Process:
        argv = (sys.executable, "-P", "-m", aside_process.__name__, str(self._cpu_seconds))
        try:
            process = await asyncio.create_subprocess_exec(
                *argv, stdin=PIPE, stdout=PIPE, start_new_session=True
            )
        except OSError as error:  # no memory, no descriptor: whoever waits is woken to look here
            log.error("aside_not_started", error=repr(error))
            raise
        self._all.add(process)
        return process

    async def _answer_of(self, process: Process, message: bytes) -> tuple[Any, bytes]:
        try:
            async with asyncio.timeout(WALL_SECONDS):
                said, body = await _exchange(process, message)
        except BaseException as error:
            await self._end(process, by_itself=isinstance(error, _ENDED))
            if process.returncode == -signal.SIGPROF or isinstance(error, TimeoutError):
                seconds = f"{self._cpu_seconds:g} s"
                raise NotDone(f"it takes more than {seconds} to look; let it be something simpler") from None
            if not isinstance(error, asyncio.CancelledError):
                log.warning("aside_lost", error=repr(error), code=process.returncode)
            raise
        self._idle.append(process)
        return from_json(said), body

    async def _end(self, process: Process, *, by_itself: bool = False) -> None:
        self._all.discard(process)
        if by_itself:  # to kill it now may hide by which signal it ended
            with suppress(TimeoutError):
                async with asyncio.timeout(ENDING_SECONDS):
                    await process.wait()
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _exchange(process: Process, message: bytes) -> tuple[bytes, bytes]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(message)
    await process.stdin.drain()
    return await _read(process.stdout), await _read(process.stdout)


async def _read(stream: asyncio.StreamReader) -> bytes:
    return await stream.readexactly(*LENGTH.unpack(await stream.readexactly(LENGTH.size)))
