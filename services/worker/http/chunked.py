"""Bodies that come in chunks (RFC 9112, 7.1)."""

import re

LINE_BYTES = 64 * 1024
"""Of the line that says how long a chunk is, with its extensions, and of all that follows the last one."""
_SIZE = re.compile(rb"[ \t]*0*([0-9A-Fa-f]{1,15})[ \t\r]*(?:;|\Z)")
_BETWEEN = re.compile(rb"\r\n([1-9A-Fa-f][0-9A-Fa-f]{0,7})\r\n")
"""What nearly always stands between two parts, read in one step: a hostile read has 40,000 of them."""


class Chunks:
    """`feed` it what arrives, and it gives what that holds of the body."""

    __slots__ = (
        "_in_trailer",
        "_left",
        "_needs_break",
        "_trailer_bytes",
        "is_broken",
        "is_done",
        "is_odd",
        "rest",
    )

    def __init__(self) -> None:
        self.is_done = False
        self.is_broken = False
        """It cannot be read on; what came before stands."""
        self.is_odd = False
        self.rest = b""
        """What was not read: the beginning of a line, or once it is done what is no more of it."""
        self._left = self._trailer_bytes = 0
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
                if between := _BETWEEN.match(buffer, at):
                    self._left, at = int(between[1], 16), between.end()
                    continue
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
        end = buffer.find(b"\n", at)
        if end < 0:
            self.is_broken = len(buffer) - at > LINE_BYTES
            return at
        size = _SIZE.match(buffer, at, end)
        if not size:
            self.is_broken = True
            return at
        self._left = int(size[1], 16)
        self._in_trailer = not self._left
        self.is_odd |= buffer.find(b"\r", at, end) != end - 1
        return end + 1

    def _trailer(self, buffer: bytes, at: int) -> int:
        """Its fields may not pass for headers."""
        end = buffer.find(b"\n", at)
        if end < 0:
            self.is_broken = len(buffer) - at > LINE_BYTES
            return at
        self._trailer_bytes += end + 1 - at
        self.is_broken = self._trailer_bytes > LINE_BYTES
        self.is_done = not buffer[at:end].strip(b"\r")
        self.is_odd |= buffer.find(b"\r", at, end) != end - 1
        return end + 1
