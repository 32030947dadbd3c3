"""One process under a supervisor: start it on a leash, pass its lines on, end it within a time."""

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from services.cli.leash import leashed

KEPT_LINES = 20
LONGEST_LINE = 65_536
DRAIN_SECONDS = 0.5


class Child:
    """A running process of its own session, which the kernel ends when we are killed."""

    def __init__(self, process: asyncio.subprocess.Process, say: Callable[[str], None]) -> None:
        self.last_lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._process = process
        self._say = say
        self._reading = asyncio.create_task(self._pass_on())

    @classmethod
    async def start(
        cls, argv: Sequence[str], environment: Mapping[str, str], say: Callable[[str], None]
    ) -> "Child":
        """Run it; what it writes goes to `say`, line by line."""
        process = await asyncio.create_subprocess_exec(
            *leashed(argv, death_signal=signal.SIGKILL),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # the supervisor handles Ctrl-C and stops all in order
        )
        return cls(process, say)

    async def ended(self) -> int:
        """Wait for its end and its last output; return the exit status, or minus the signal."""
        status = await self._process.wait()
        # A grandchild may keep the pipe open for ever.
        await asyncio.wait([self._reading], timeout=DRAIN_SECONDS)
        self._reading.cancel()
        return status

    async def stop(self, seconds: float) -> None:
        """Send SIGTERM, and after `seconds` SIGKILL, to it and to all that it started."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self.ended()

    async def _pass_on(self) -> None:
        assert self._process.stdout is not None
        rest = b""
        while chunk := await self._process.stdout.read(LONGEST_LINE):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            self._pass_lines(lines)
        self._pass_lines([rest] if rest else [])

    def _pass_lines(self, lines: list[bytes]) -> None:
        for line in lines:
            text = line.decode(errors="replace").rstrip("\r")
            self.last_lines.append(text)
            self._say(text)
