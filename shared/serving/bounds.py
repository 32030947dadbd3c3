"""What a peer may take of a server before anybody knows who it is."""

import resource
from contextlib import suppress
from dataclasses import dataclass

REQUEST_LINE_BYTES = 8_192
HEAD_BYTES = 16_384
"""The request line and all header fields; node takes as much, nginx and h11 more."""
HEADER_FIELDS = 100
BODY_BYTES = 67_108_864
"""On the wire: with the framing of chunks, and what is read unseen so that its sender gets to the answer."""
PIPELINED = 16
"""Requests that wait behind the one that is being answered."""

BYTES_PER_SECOND = 8_192
"""Slower than that, a body does not come and an answer is not taken."""
LINGER_SECONDS, LINGER_BYTES = 1.0, 1_048_576
"""A refusal is read by a peer that is still sending only if what it sends is taken for a moment."""

RESERVED_FILES = 256
"""For Redis, logs, modules and whatever else a process opens beside its connections."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many connections may be open, in all and from one address (of IPv6: one network of 64 bits)."""

    connections: int
    per_address: int
    head_seconds: float = 10.0
    """From the first byte, or from the connection if there is none, to the end of the header."""
    body_seconds: float = 10.0
    """A body may take that long, and a second more for as many bytes as BYTES_PER_SECOND."""
    idle_seconds: float = 75.0
    """Longer than the usual proxy keeps a connection (60 s): the one that sends should close it first."""
    answer_seconds: float = 30.0
    """After so long at the latest it is seen how much of an answer the peer has taken."""


def allow_files(count: int) -> int:
    """Raise the number of files this process may open to `count` if the system lets it; return what it is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return count
    if soft < count:
        with suppress(ValueError, OSError):  # what cannot be had we do without
            wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
