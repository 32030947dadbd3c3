"""The process beside a worker that works on bodies; it ends with its input, or when one takes too long.

`python -m services.worker.http.bodies.aside_process SECONDS`: each of its requests may take so many of
processor time. A request is a duty with what it needs, as JSON, and a body; so is an answer. Each part comes
behind its length.
"""

import gc
import os
import signal
import struct
import sys
from collections.abc import Callable
from typing import BinaryIO

from pydantic_core import from_json, to_json

from services.worker.http.bodies.checks import Wanted, why_not

LENGTH = struct.Struct("!I")
NICE = 5
"""What takes long for one team shall not slow down the requests of the others."""
WHY_NOT, UNPACK = "why not", "unpack"


def main() -> None:
    seconds = float(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which a terminal or an init sends to all of a group:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the worker decides when it needs us no more
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    os.nice(NICE)
    gc.disable()  # a million lists of somebody's JSON would be looked through again and again
    while request := _read(sys.stdin.buffer):
        body = _read(sys.stdin.buffer)
        signal.setitimer(signal.ITIMER_PROF, seconds)  # whose end ends the process, whatever it is in
        duty, *given = from_json(request)
        answer = framed(*_DUTIES[duty](body, *given))
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()


def framed(said: object, body: bytes = b"") -> bytes:
    """As it goes through a pipe, either way."""
    text = to_json(said)
    return b"".join((LENGTH.pack(len(text)), text, LENGTH.pack(len(body)), body))


def _why_not(body: bytes, wanted: list[str], is_whole: bool) -> tuple[object, bytes]:
    return why_not(Wanted(*wanted), body, is_whole=is_whole), b""


def _unpacked(body: bytes, codings: list[str], most: int) -> tuple[object, bytes]:
    from services.worker.http.bodies.coding import (
        unpacked,  # few targets pack what they say, and it is slow to import
    )

    found = unpacked(body, codings, most)
    return (found.is_whole, found.unread), found.body


def _read(stream: BinaryIO) -> bytes:
    head = stream.read(LENGTH.size)
    return stream.read(*LENGTH.unpack(head)) if len(head) == LENGTH.size else b""


_DUTIES: dict[str, Callable[..., tuple[object, bytes]]] = {WHY_NOT: _why_not, UNPACK: _unpacked}

if __name__ == "__main__":
    main()
