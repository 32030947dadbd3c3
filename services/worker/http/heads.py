"""Heads of answers: what they say, and where the body after them ends, read as leniently as other clients do.

Refused is only what can be read in two ways. What is odd is read, and its connection is not used again.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from shared.basics.memory import MEBIBYTE, RememberedOfSeveral, remembered

SWITCHING_PROTOCOLS = 101
SHOWN_CHARACTERS = 100

_STATUS_LINE = re.compile(r"HTTP/([0-9](?:\.[0-9])?)[ \t]+([0-9]{3})(?:[ \t].*)?", re.IGNORECASE)
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_KEEP_ALIVE = re.compile(r"(timeout|max)\s*=\s*\"?([0-9]{1,6})", re.IGNORECASE)
_NO_CONTENT = 204
_NO_BODY = frozenset((SWITCHING_PROTOCOLS, _NO_CONTENT, 304))
_BODY = frozenset(("content-length", "transfer-encoding"))
_FRAMING = frozenset(
    ("content-length", "transfer-encoding", "connection", "keep-alive", "content-type", "content-encoding")
)
_BEGINNING = b"HTTP/"
_ENDLESS = 10**18
_SHORT_CHARACTERS, _FEW = 128, 16

Headers = tuple[tuple[str, str], ...]
"""Names are in lower case."""


class NotHttp(Exception):
    """What arrived is no answer; `str()` is a sentence that says which line is wrong."""


class Head(NamedTuple):
    status: int
    headers: Headers
    framing: tuple[tuple[str, str], ...]
    """Those of the headers that say where the body ends, and what it is."""
    keeps_alive: bool
    """As its version has it, if it is as it should be: HTTP/1.1 alone does."""

    @property
    def is_interim(self) -> bool:
        return 100 <= self.status < 200 and self.status != SWITCHING_PROTOCOLS


class Framing(NamedTuple):
    """Where a body ends: after so many bytes, with its last chunk, or else with the connection."""

    length: int | None
    is_chunked: bool
    packed: tuple[str, ...]
    """Content and transfer codings besides chunked, the outermost last."""
    content_type: str
    keeps_alive: bool
    """Whether another answer may follow on the connection."""
    idle_seconds: float | None
    """How long the server says it keeps the connection; nothing if it does not say."""


def check_beginning(first: bytes) -> None:
    """Raises NotHttp as soon as what comes first can be no answer."""
    if _BEGINNING.startswith(first[: len(_BEGINNING)].upper()):
        return
    if first[:2] == b"\0\0" and first[3:4] in (b"\x04", b"\x07", b""):  # a frame of settings, or of an end
        raise NotHttp(
            "The target speaks HTTP/2 only on this port: let it take HTTP/1.1 too, or name another."
        )
    if first[:2] == b"\x15\x03":
        raise NotHttp("The target speaks TLS on this port: let the url begin with https://, or name another.")
    line = first.splitlines()[0].decode("latin-1")
    raise NotHttp(f"The target's answer is not HTTP/1.1: it begins with {shown(line)}.")


def head_of(text: str) -> Head:
    """A head without its last blank line; raises NotHttp if its first line tells no status."""
    lines = text.split("\r\n")
    breaks = len(lines) - 1
    is_odd = text.count("\n") != breaks or text.count("\r") != breaks
    if is_odd:
        lines = [line.rstrip("\r").replace("\r", " ") for line in text.split("\n")]  # as RFC 9112, 2.2 allows
    is_current, status = _status_of(lines[0])
    headers, folds = list[tuple[str, str]](), list[str]()
    for line in lines[1:]:
        found = _known_field(line) if len(line) <= _SHORT_CHARACTERS else _field(line)
        if found:
            _unfold(headers, folds)
            headers.append(found)
            continue
        is_odd = True
        if line[:1] in (" ", "\t") and headers:
            folds.append(line.strip(" \t"))
        else:
            _unfold(headers, folds)
            _add_odd(headers, line)
    _unfold(headers, folds)
    framing = tuple([field for field in headers if field[0] in _FRAMING])
    return Head(status, tuple(headers), framing, is_current and not is_odd)


@remembered(8 * MEBIBYTE, per_byte=30)
def regular_head(data: bytes) -> "tuple[Head, Framing] | None":
    """What a head of lines that end in CR LF says, if it is as it should be and that of a final answer.

    Remembered: within a second a server's heads are mostly the same ones.
    """
    try:
        head = head_of(data.decode("latin-1"))
        is_regular = head.keeps_alive and not head.is_interim and b"\0" not in data
        return (head, framing_of(head)) if is_regular else None
    except NotHttp:
        return None


def check_nul(text: str) -> None:
    """Raises NotHttp with the line that holds a NUL: where it ends depends on who reads it."""
    if "\0" in text:
        line = next(line for line in text.split("\n") if "\0" in line)
        raise NotHttp(f"The target's answer has a NUL in the line {shown(line.rstrip())}.")


def part_of(text: str) -> Head | None:
    """What is known of a head that did not end: nothing until its first line has come."""
    whole, broke, _ = text.rpartition("\n")
    try:
        head = head_of(whole.removesuffix("\r")) if broke else None
    except NotHttp:
        return None
    return head if head and not head.is_interim else None


def framing_of(head: Head) -> Framing:
    """RFC 9112, 6.3; raises NotHttp for lengths that differ or are none."""
    fields = head.framing
    is_short = len(fields) <= _FEW and sum(len(value) for _, value in fields) <= 4 * _SHORT_CHARACTERS
    read = _known_framing if is_short else _framing
    has_body = head.status not in _NO_BODY
    keeps_alive = head.keeps_alive and head.status != SWITCHING_PROTOCOLS
    if head.status == _NO_CONTENT and any(name in _BODY and value.strip("0") for name, value in fields):
        keeps_alive = False  # who says so mostly sends it, and it would be read as the next answer
    return read(fields, has_body, keeps_alive)


def _framing(fields: tuple[tuple[str, str], ...], has_body: bool, keeps_alive: bool) -> Framing:
    lengths: list[str] = []
    codings: list[str] = []
    packing: list[str] = []
    connection, content_type, idle_seconds = "", "", None
    for name, value in fields:
        if name == "content-length":
            lengths += _listed(value)
        elif name == "transfer-encoding":
            codings += _listed(value.lower())
        elif name == "connection":
            connection += f",{value.lower()}"
        elif name == "content-type":
            content_type = value
        elif name == "content-encoding":
            packing += _listed(value)
        else:
            idle_seconds = _idle_seconds(value)
    is_odd = len(lengths) > 1 or (bool(codings) and (codings != ["chunked"] or bool(lengths)))
    keeps_alive = keeps_alive and not is_odd and "close" not in connection
    if not has_body:
        return Framing(0, False, (), "", keeps_alive, idle_seconds)
    length = _length_of(lengths)
    wrapped = [coding for coding in codings if coding not in ("chunked", "identity", "")]
    return Framing(
        length=None if wrapped else length,
        is_chunked="chunked" in codings,
        packed=(*packing, *wrapped),
        content_type=content_type,
        keeps_alive=keeps_alive,
        idle_seconds=idle_seconds,
    )


_known_framing = RememberedOfSeveral(_framing, 4 * MEBIBYTE)
"""For few short values only, as of fields: a hostile target must not fill the memory."""


def _listed(value: str) -> list[str]:
    return [part.strip(" \t") for part in value.split(",")]


def shown(text: str) -> str:
    """A part of it, in quotes, without what a terminal or a page would take for more than text."""
    part = "".join(character if character.isprintable() else "?" for character in text[:SHOWN_CHARACTERS])
    return f'"{part}…"' if len(text) > SHOWN_CHARACTERS else f'"{part}"'


def _status_of(line: str) -> tuple[bool, int]:
    """Whether it is of HTTP/1.1, and the status."""
    if (
        line.startswith("HTTP/1.1 ")
        and len(line) > 11
        and line[9:12].isdecimal()
        and line[12:13] in ("", " ")
    ):
        return True, int(line[9:12])
    parts = _STATUS_LINE.fullmatch(line)
    if not parts:
        raise NotHttp(f"The target's answer is not HTTP/1.1: it begins with {shown(line)}.")
    return parts[1] == "1.1", int(parts[2])


def _field(line: str) -> tuple[str, str] | None:
    """A header whose name is one."""
    name, colon, value = line.partition(":")
    return (name.lower(), value.strip(" \t")) if colon and _TOKEN.fullmatch(name) else None


_known_field = lru_cache(8192)(_field)
"""For short lines: the same ones come again and again."""


def _unfold(headers: list[tuple[str, str]], folds: list[str]) -> None:
    """Add the lines that went on with the last header, as if there were blanks between (RFC 9112, 5.2)."""
    if folds:
        name, value = headers[-1]
        headers[-1] = (name, " ".join(part for part in (value, *folds) if part).strip())
        folds.clear()


def _add_odd(headers: list[tuple[str, str]], line: str) -> None:
    """Of a line that is not as it should be what other clients read; without a name it is passed over."""
    name, colon, value = line.partition(":")
    if colon and (name := name.strip(" \t").lower()):
        headers.append((name, value.strip(" \t")))


def _idle_seconds(keep_alive: str) -> float | None:
    """Of `timeout=5, max=100`: how long; 0 if there may be no more requests."""
    said = {name.lower(): float(number) for name, number in _KEEP_ALIVE.findall(keep_alive)}
    return 0.0 if said.get("max") == 0 else said.get("timeout")


def _length_of(values: list[str]) -> int | None:
    """The one length that the head names, however often."""
    if not values:
        return None
    lengths = set(values)
    wrong = next((text for text in lengths if not (text.isascii() and text.isdecimal())), None)
    if wrong is not None:
        raise NotHttp(f"The target's answer has a Content-Length that is no number: {shown(wrong)}.")
    if len({text.lstrip("0") for text in lengths}) > 1:
        raise NotHttp(f"The target's answer has two lengths: Content-Length {shown(', '.join(values))}.")
    digits = lengths.pop().lstrip("0") or "0"
    return int(digits) if len(digits) < 18 else _ENDLESS
