"""Starts of our programs that cost no imports: of each the first is cold, as users start it, and later ones fork.

An import costs a second, the same each time, and the tests of the command line start it some sixty times.
"""

import atexit
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from services.cli.leash import leashed

CLIENT = Path(__file__).with_name("client.py")

_started: set[tuple[str, ...]] = set()


def command(cold: Sequence[str], what: tuple[str, ...], program: str, *modules: str) -> list[str]:
    """The command line for a program: `cold` for the first one of `what`, else what forks `program`."""
    if what not in _started:
        _started.add(what)
        return [*cold]
    return [sys.executable, "-I", "-S", str(CLIENT), _socket(), program, ",".join(modules)]


@cache
def _socket() -> str:
    """Where the process listens that forks; it ends with this one."""
    folder = tempfile.TemporaryDirectory(prefix="recuro-warm-")
    path = f"{folder.name}/socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen()
        number = listener.fileno()
        python = [sys.executable, "-m", "tests.warm.forking", str(number)]
        forking = subprocess.Popen(
            leashed(python, death_signal=signal.SIGTERM),
            pass_fds=(number,),
            cwd=Path(__file__).parents[2],
        )
    atexit.register(folder.cleanup)
    atexit.register(forking.wait)
    atexit.register(forking.terminate)
    return path
