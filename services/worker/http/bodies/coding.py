"""Bodies that a target packed although we ask for none of that: unpacked, never beyond a bound."""

import zlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import brotli
import zstandard

_GZIP, _ZLIB, _RAW = 31, 15, -15
_MAGIC = b"\x1f\x8b"
_PLAIN = ("", "identity", "none")
_MOST_MEMBERS, _PIECE_BYTES = 10_000, 4096
_BETWEEN_BYTES, _MOST_LAYERS, _WINDOW_BYTES = 1024 * 1024, 4, 8 << 20


class Unpacked(NamedTuple):
    """What a body holds, at most as much as the caller wants; `is_whole` if that is all of it."""

    body: bytes
    is_whole: bool
    unread: str = ""
    """The coding that was met and cannot be read here."""


class _Corrupt(Exception):
    """A body that is not what its coding says, from its first byte."""


def unpacked(body: bytes, codings: Sequence[str], most: int) -> Unpacked:
    """The first `most` bytes of what was packed, the outermost coding last.

    A body that is not what it says is left as it is; one that was cut is unpacked as far as it goes.
    """
    layers = [name for name in (coding.strip().lower() for coding in codings) if name not in _PLAIN]
    is_whole = True
    for number, name in enumerate(reversed(layers[-_MOST_LAYERS:]), 1):
        unpack = _UNPACK.get(name)
        if unpack is None:
            return Unpacked(body, is_whole, name)
        try:
            body, ended = unpack(body, most if number == len(layers) else _BETWEEN_BYTES)
        except _Corrupt:
            continue
        is_whole &= ended
    return Unpacked(body, is_whole, layers[-_MOST_LAYERS - 1] if len(layers) > _MOST_LAYERS else "")


def _gzip(body: bytes, most: int) -> tuple[bytes, bool]:
    """All members, one after the other (RFC 1952, 2.2), as far as anybody sends so many."""
    found, view, at = bytearray(), memoryview(body), 0
    for _ in range(_MOST_MEMBERS):
        inflating = zlib.decompressobj(_GZIP)
        try:
            while at < len(view) and len(found) < most and not inflating.eof:
                # In pieces, for what is left of one is copied at the end of each member.
                piece = view[at : at + _PIECE_BYTES]
                found += inflating.decompress(piece, most - len(found))
                at += len(piece) - len(inflating.unconsumed_tail) - len(inflating.unused_data)
        except zlib.error:
            if not found:
                raise _Corrupt from None
            return bytes(found), False
        if not inflating.eof:
            return bytes(found), False
        if not bytes(view[at : at + 2]).startswith(_MAGIC):
            return bytes(found), True  # what follows is none of it, and left out as gzip itself does
    return bytes(found), False


def _deflate(body: bytes, most: int) -> tuple[bytes, bool]:
    """The standard means zlib, and many send the bare stream (RFC 9110, 8.4.1.2)."""
    for window in (_ZLIB, _RAW):
        inflating = zlib.decompressobj(window)
        try:
            return inflating.decompress(body, most), inflating.eof
        except zlib.error:
            continue
    raise _Corrupt


def _brotli(body: bytes, most: int) -> tuple[bytes, bool]:
    unpacking = brotli.Decompressor()
    try:
        found = unpacking.process(body, output_buffer_limit=most)
        while len(found) < most and not unpacking.is_finished() and not unpacking.can_accept_more_data():
            found += unpacking.process(b"", output_buffer_limit=most - len(found))
    except brotli.error:
        raise _Corrupt from None
    if not found and not unpacking.is_finished():  # almost anything begins like one that was cut
        raise _Corrupt
    return found[:most], bool(unpacking.is_finished()) and len(found) <= most


def _zstd(body: bytes, most: int) -> tuple[bytes, bool]:
    reading = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES).stream_reader(
        body, read_across_frames=True
    )
    found = bytearray()
    try:
        while len(found) <= most and (part := reading.read(most + 1 - len(found))):
            found += part
    except zstandard.ZstdError:
        if not found:
            raise _Corrupt from None
        return bytes(found[:most]), False
    if not found and body:
        raise _Corrupt
    return bytes(found[:most]), len(found) <= most


_UNPACK: dict[str, Callable[[bytes, int], tuple[bytes, bool]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
