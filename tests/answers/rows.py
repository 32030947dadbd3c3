"""What a row of the table is: the bytes of one odd answer, how the connection ends, and what our client makes of it."""

from dataclasses import dataclass
from enum import Enum

HEAD = b"HTTP/1.1 200 OK\r\n"
TWO = b"Content-Length: 2\r\n\r\nok"
"""The end of a head, and a body of two bytes."""


class End(Enum):
    """What becomes of the connection once the answer is written; over TLS, CUT tells nobody before it closes."""

    OPEN = "left open"
    CLOSED = "closed"
    RESET = "reset"
    CUT = "closed without close_notify"


@dataclass(frozen=True, slots=True)
class Taken:
    """Read as told: the status decides; `shows` is a header as it must be kept, its name in lower case.

    No `body` means that the row says nothing of it.
    """

    status: int
    body: str | None
    is_truncated: bool = False
    shows: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Not read to its end; the status is kept where there was one, and the sentence matches `says`."""

    status: int | None
    says: str


@dataclass(frozen=True, slots=True)
class Row:
    """One answer of a target; `upload` bytes are sent to it, and it answers before it has read them."""

    name: str
    answer: bytes
    ours: Taken | Refused
    end: End = End.OPEN
    is_encrypted: bool = False
    upload: int = 0


OK = Taken(200, "ok")
CUT = Taken(200, "ok", is_truncated=True)
"""A body that stops too soon after a 2xx."""


def taken(name: str, answer: bytes, end: End = End.OPEN) -> Row:
    """A row with status 200 and the body `ok`."""
    return Row(name, answer, OK, end)


def cut(name: str, answer: bytes, end: End = End.CLOSED) -> Row:
    """A row whose body ends after `ok`, with more promised."""
    return Row(name, answer, CUT, end)


def refused(name: str, answer: bytes, says: str, end: End = End.CLOSED) -> Row:
    """A row that keeps its 200 and names in `says` what was wrong."""
    return Row(name, answer, Refused(200, says), end)
