"""Starts a program in `forking.py`, and is to whoever started this what the program would be.

Run as a script, `python -I -S client.py SOCKET PROGRAM MODULES ARG…`, it loads nothing but what Python has.
"""

import json
import os
import signal
import socket
import sys


def main() -> None:
    path, program, modules, *arguments = sys.argv[1:]
    place = {"folder": os.getcwd(), "environment": dict(os.environ)}
    asked = {"program": program, "modules": modules.split(","), "arguments": arguments, **place}
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.connect(path)
    socket.send_fds(server, [json.dumps(asked).encode()], [0, 1, 2])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: server.send(b"%d" % number))
    status = int(server.recv(16))
    if status >= 0:
        sys.exit(status)
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)


if __name__ == "__main__":
    main()
