"""Has the imports of our programs behind it, and forks for each start of one: `python -m tests.warm.forking FD`.

FD is a socket that listens; `client.py` connects to it, and is what a test starts in place of the program. Between
both stands a process that passes on the signals to the program and its end to the client, and ends it with the client.
"""

import json
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any


def main() -> None:
    """Serve until the test process ends; in the process of a program, run it."""
    program, _, function = _forked(socket.socket(fileno=int(sys.argv[1])))["program"].partition(":")
    getattr(import_module(program), function)()


def _forked(listener: socket.socket) -> Mapping[str, Any]:
    """Returns in the process of a program only, as which it was asked for."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how those between ended
    while True:
        client, _ = listener.accept()
        said, standard, *_ = socket.recv_fds(client, 1 << 20, 3)
        asked: Mapping[str, Any] = json.loads(said)
        for module in asked["modules"]:
            import_module(module)
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return _started(client, asked, standard)
        client.close()
        for number in standard:
            os.close(number)


def _started(client: socket.socket, asked: Mapping[str, Any], standard: Sequence[int]) -> Mapping[str, Any]:
    program = os.fork()
    if program:
        for number in standard:
            os.close(number)
        _watch(client, program)
    client.close()
    for number, given in enumerate(standard):
        os.dup2(given, number)
        os.close(given)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    sys.argv[1:] = asked["arguments"]
    return asked


def _watch(client: socket.socket, program: int) -> None:
    """Between both, until the program has ended; then this process ends."""
    ended = os.pidfd_open(program)
    while ended not in select.select([client.fileno(), ended], [], [])[0]:
        os.kill(program, int(client.recv(16) or signal.SIGKILL))
    status = os.waitstatus_to_exitcode(os.waitpid(program, 0)[1])
    try:
        client.send(b"%d" % status)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
