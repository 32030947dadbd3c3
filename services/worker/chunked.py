"""Bodies that come in chunks (RFC 9112, 7.1)."""

import re

SIZE_BYTES = 4096
"""Of the line that says how long a chunk is, without its extensions."""
_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r?\n")


class Chunks:
    """`feed` it what arrives, and it gives what that holds of the body."""

    __slots__ = ("_in_trailer", "_left", "_needs_break", "is_broken", "is_done", "is_odd", "rest")

    def __init__(self) -> None:
        self.is_done = False
        self.is_broken = False
        """It cannot be read on; what came before stands."""
        self.is_odd = False
        self.rest = b""
        """What was not read: the beginning of a line, or once it is done what is no more of it."""
        self._left = 0
        self._needs_break = self._in_trailer = False

    @property
    def is_whole(self) -> bool:
        """Whether all of the body has come, if not all that ends it."""
        return self.is_done or self._in_trailer

    def feed(self, data: bytes) -> list[bytes]:
        """The parts of the body that came."""
        parts: list[bytes] = []
        buffer, at = self.rest + data, 0
        while not (self.is_done or self.is_broken):
            if self._left:
                part = buffer[at : at + self._left]
                parts.append(part)
                self._left -= len(part)
                at += len(part)
                if self._left:
                    break
                self._needs_break = True
            found = self._line(buffer, at)
            if found == at:
                break
            at = found
        self.rest = buffer[at:]
        return parts

    def _line(self, buffer: bytes, at: int) -> int:
        """Read what stands between two parts; where it ends, or `at` if it has not come yet."""
        if self._needs_break:
            return self._break(buffer, at)
        return self._trailer(buffer, at) if self._in_trailer else self._size(buffer, at)

    def _break(self, buffer: bytes, at: int) -> int:
        found = buffer[at : at + 2]
        if found in (b"", b"\r"):
            return at
        self._needs_break = False
        if found == b"\r\n":
            return at + 2
        self.is_odd = True
        self.is_broken = found[:1] != b"\n"
        return at + 1

    def _size(self, buffer: bytes, at: int) -> int:
        size = _SIZE.match(buffer, at)
        if size:
            self._left = int(size[1], 16)
            self._in_trailer = not self._left
            self.is_odd |= size[0][-2:] != b"\r\n"
            return size.end()
        is_open = buffer.find(b"\n", at) < 0
        self.is_broken = not (
            is_open and (len(buffer) - at < SIZE_BYTES or b";" in buffer[at : at + SIZE_BYTES])
        )
        return at

    def _trailer(self, buffer: bytes, at: int) -> int:
        """Its fields may not pass for headers."""
        end = buffer.find(b"\n", at)
        if end < 0:
            return at
        self.is_done = not buffer[at:end].strip(b"\r")
        return end + 1
