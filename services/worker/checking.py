"""Looking into bodies beside the worker: what others choose the size of must not hold up its loop.

Patterns, and JSON of more than some kilobytes, are looked at by a few processes of ours, which are replaced
when one look takes too long. A team has one of them at a time, so that its patterns delay its own work alone.
"""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

import structlog
from pydantic_core import from_json, to_json

from services.worker.bodies import PATTERN, Wanted, why_not
from services.worker.checking_process import LENGTH
from services.worker.shares import Shares

PROCESSES, OF_A_TEAM = 2, 1
CPU_SECONDS = 1.0
"""Of the processor's time for one look; a common pattern needs a hundredth for all that is read of a body."""
WALL_SECONDS = 15.0
"""And of anybody's time, on a machine that has much else to do."""
WAIT_SECONDS = 30.0
SMALL_BYTES = 64 * 1024
"""What takes 10 ms at most, and is looked at right here unless a pattern is."""
_TRIES = 2

log = structlog.get_logger()


class _NotTold(Exception):
    """Nobody could tell; `str()` is why."""


class Checks:
    """The processes, started when they are needed first; `close` ends them."""

    def __init__(self, *, cpu_seconds: float = CPU_SECONDS) -> None:
        self._cpu_seconds = cpu_seconds
        self._shares = Shares(PROCESSES, OF_A_TEAM)
        self._idle: list[Process] = []
        self._all: set[Process] = set()

    async def why_not(self, team: int, wanted: Wanted, body: bytes, *, is_whole: bool) -> str | None:
        """Why it does not hold, or why nobody can tell; nothing if it does."""
        if len(body) <= SMALL_BYTES and wanted.type != PATTERN:
            return why_not(wanted, body, is_whole=is_whole)
        request = to_json((wanted, is_whole))
        message = LENGTH.pack(len(request)) + request + LENGTH.pack(len(body)) + body
        try:
            async with self._shares.place(team, WAIT_SECONDS):
                return await self._answer(message)
        except _NotTold as reason:
            return str(reason)
        except TimeoutError:
            return (
                f"within {WAIT_SECONDS:g} s there was no time for it, so long do the team's other ones take"
            )

    async def close(self) -> None:
        for process in tuple(self._all):
            await self._end(process)

    async def _answer(self, message: bytes) -> str | None:
        """Of the first process that does not end for reasons of its own, once more if one does."""
        for _ in range(_TRIES):
            with suppress(asyncio.IncompleteReadError, OSError):
                process = self._idle.pop() if self._idle else await self._started()
                return await self._answer_of(process, message)
        raise _NotTold("it could not be looked at; the worker's log says why")

    async def _started(self) -> Process:
        argv = (sys.executable, "-P", "-m", "services.worker.checking_process", str(self._cpu_seconds))
        process = await asyncio.create_subprocess_exec(*argv, stdin=PIPE, stdout=PIPE, start_new_session=True)
        self._all.add(process)
        return process

    async def _answer_of(self, process: Process, message: bytes) -> str | None:
        try:
            async with asyncio.timeout(WALL_SECONDS):
                found = from_json(await _exchange(process, message))
        except BaseException as error:
            await self._end(process)
            if process.returncode == -signal.SIGPROF or isinstance(error, TimeoutError):
                size = f"takes more than {self._cpu_seconds:g} s to look for in what came"
                raise _NotTold(f"it {size}; let it ask for something simpler") from None
            log.warning("check_lost", error=repr(error), code=process.returncode)
            raise
        self._idle.append(process)
        return str(found) if found else None

    async def _end(self, process: Process) -> None:
        self._all.discard(process)
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _exchange(process: Process, message: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(message)
    await process.stdin.drain()
    (length,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
    return await process.stdout.readexactly(length)
