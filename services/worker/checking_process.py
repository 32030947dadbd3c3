"""The process beside a worker that looks into bodies; it ends with its input, or when a look takes too long.

`python -m services.worker.checking_process SECONDS`: each of its requests may take so many of processor time.
Requests and answers are JSON behind four bytes of length; a body follows its request as bytes.
"""

import gc
import os
import signal
import struct
import sys
from typing import BinaryIO

from pydantic_core import from_json, to_json

from services.worker.bodies import Wanted, why_not

LENGTH = struct.Struct("!I")
NICE = 5
"""What looks long into a body of one team shall not slow down the requests of the others."""


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
        answer = _answer(request, body)
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.buffer.write(LENGTH.pack(len(answer)) + answer)
        sys.stdout.buffer.flush()


def _answer(request: bytes, body: bytes) -> bytes:
    wanted, is_whole = from_json(request)
    return to_json(why_not(Wanted(*wanted), body, is_whole=is_whole))


def _read(stream: BinaryIO) -> bytes:
    head = stream.read(LENGTH.size)
    return stream.read(*LENGTH.unpack(head)) if len(head) == LENGTH.size else b""


if __name__ == "__main__":
    main()
