"""A server that says the bytes of a row, and ends the connection as the row says; each row has a path of its own."""

import contextlib
import re
import socket
import ssl
import struct
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from tests import hostile
from tests.answers.rows import End, Row

PATIENCE_SECONDS = 5.0
BEFORE_RESET_SECONDS = 0.02
"""A reset may overtake what was written before it; no client could be blamed for that."""

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: what closes the socket resets the connection
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Server:
    """`with Server(rows, folder) as server:` serves on loopback; its certificate is for `localhost`."""

    def __init__(self, rows: Sequence[Row], folder: Path) -> None:
        self.certificate = hostile.certificate(folder, "localhost")
        self._rows = rows
        self._tls = hostile.server_tls(self.certificate)
        self._listening = [socket.create_server(("127.0.0.1", 0), backlog=64) for _ in range(2)]
        self._open: set[socket.socket] = set()
        self._threads = [
            threading.Thread(target=self._accept, args=(listener, is_encrypted), daemon=True)
            for listener, is_encrypted in zip(self._listening, (False, True), strict=True)
        ]

    def url(self, row: Row) -> str:
        """Where the row is said."""
        port = self._listening[row.is_encrypted].getsockname()[1]
        origin = f"https://localhost:{port}" if row.is_encrypted else f"http://127.0.0.1:{port}"
        return f"{origin}/{self._rows.index(row)}"

    def __enter__(self) -> "Server":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for listener in self._listening:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits in accept()
            listener.close()
        for connection in tuple(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)

    def _accept(self, listener: socket.socket, is_encrypted: bool) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            serve = threading.Thread(target=self._serve, args=(connection, is_encrypted), daemon=True)
            self._threads.append(serve)
            serve.start()

    def _serve(self, connection: socket.socket, is_encrypted: bool) -> None:
        connection.settimeout(PATIENCE_SECONDS)
        connection.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )  # nothing of an answer may wait for a reset
        with contextlib.suppress(OSError):
            if is_encrypted:
                connection = self._tls.wrap_socket(connection, server_side=True)
            self._open.add(connection)
            while self._answered(connection):
                pass
        connection.close()
        self._open.discard(connection)

    def _answered(self, connection: socket.socket) -> bool:
        """Answer the next request; whether another may follow."""
        head, _, body = _until_blank_line(connection).partition(b"\r\n\r\n")
        if not head:
            return False
        row = self._rows[int(head.split(b" ", 2)[1].rpartition(b"/")[2])]
        length = _LENGTH.search(head)
        missing = int(length[1]) - len(body) if length else 0
        if not row.upload:
            _discard(connection, missing)
        connection.sendall(row.answer)
        if row.end is End.OPEN:
            if row.upload:
                _discard(connection, missing)
            return True
        _end(connection, row.end)
        return False


def _until_blank_line(connection: socket.socket) -> bytes:
    found = b""
    while b"\r\n\r\n" not in found:
        if not (more := connection.recv(65536)):
            return b""
        found += more
    return found


def _discard(connection: socket.socket, size: int) -> None:
    while size > 0 and (more := connection.recv(65536)):
        size -= len(more)


def _end(connection: socket.socket, end: End) -> None:
    if end is End.RESET:
        threading.Event().wait(BEFORE_RESET_SECONDS)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        return
    if end is End.CLOSED and isinstance(connection, ssl.SSLSocket):
        connection.unwrap()  # says close_notify
        return
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):  # closing with something unread would be a reset
        pass
