"""Replace this process by a command that the kernel ends together with its parent (Linux only).

Run as a script, `python -I -S leash.py PARENT SIGNAL PROGRAM ARG…`, so that none of our code runs between
fork and exec: in a process with threads that can deadlock.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1


def leashed(argv: Sequence[str], *, death_signal: signal.Signals) -> list[str]:
    """The command line that runs `argv` until the calling thread ends: call it from the main thread."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(death_signal)), *argv]


def main() -> None:
    """Register for the signal, which survives exec, then become the program."""
    parent, death_signal, program = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:  # it ended before we registered, so the signal will never come
            sys.exit(1)
    os.execv(program, sys.argv[3:])


if __name__ == "__main__":
    main()
