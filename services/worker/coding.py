"""Bodies that a target compressed although we ask for none of that: unpacked, never beyond a bound."""

import zlib
from typing import NamedTuple

_GZIP, _ZLIB, _RAW = 31, 15, -15
_MAGIC = b"\x1f\x8b"


class Unpacked(NamedTuple):
    """What a body holds, at most as much as was asked for; `is_whole` if that is all of it."""

    body: bytes
    is_whole: bool


class Corrupt(Exception):
    """A body that is not what its Content-Encoding says."""


def unpacked(body: bytes, coding: str, most: int) -> Unpacked:
    """The first `most` bytes of what was packed by gzip or deflate; another coding is left as it is.

    Raises Corrupt. A body that was cut is unpacked as far as it goes.
    """
    name = coding.strip().lower()
    if name in ("gzip", "x-gzip"):
        return _inflated(body, _GZIP, most)
    if name != "deflate":
        return Unpacked(body, is_whole=True)
    try:
        return _inflated(body, _ZLIB, most)
    except Corrupt:  # the standard means zlib, and many send the bare stream (RFC 9110, 8.4.1.2)
        return _inflated(body, _RAW, most)


def _inflated(body: bytes, window: int, most: int) -> Unpacked:
    """All members of a gzip body, one after the other (RFC 1952, 2.2); the other forms have but one."""
    found, rest, is_whole = bytearray(), body, False
    while rest and len(found) < most:
        inflating = zlib.decompressobj(window)
        try:
            found += inflating.decompress(rest, most - len(found))
        except zlib.error:
            raise Corrupt from None
        is_whole = inflating.eof
        rest = inflating.unused_data
        if window != _GZIP or not rest.startswith(_MAGIC):
            rest = b""  # what follows is none of it, and left out as gzip itself does
    return Unpacked(bytes(found), is_whole and not rest)
