"""The limits on what a peer may use before it is authenticated."""

import resource
from contextlib import suppress
from dataclasses import dataclass

REQUEST_LINE_BYTES = 8_192
HEAD_BYTES = 16_384
"""Bytes of the request line and all header fields; node allows as much, nginx and h11 more."""
HEADER_FIELDS = 100
BODY_BYTES = 67_108_864
"""Bytes of a body as sent, with chunk framing; also of one that is only dropped before the answer."""
PIPELINED = 16
"""Pipelined requests that may wait behind the one that is being answered."""

BYTES_PER_SECOND = 8_192
"""A body or an answer that moves slower than this ends with its connection."""
LINGER_SECONDS, LINGER_BYTES = 1.0, 1_048_576
"""A peer that is still sending reads a refusal only if its data is accepted for a moment."""

RESERVED_FILES = 256
"""Files for Redis, logs, modules and all else that a process opens beside its connections."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many connections may be open, in all and from one address (for IPv6: one network of 64 bits)."""

    connections: int
    per_address: int
    head_seconds: float = 10.0
    """From the first byte, or from the connection if no byte came, to the end of the header."""
    body_seconds: float = 10.0
    """A body may take this long, and one more second for each BYTES_PER_SECOND bytes."""
    idle_seconds: float = 75.0
    """Longer than proxies usually keep a connection (60 s): the side that sends should close it first."""
    answer_seconds: float = 30.0
    """How often, at least, to check how much of an answer the peer has taken."""


def allow_files(count: int) -> int:
    """Raise the number of files this process may open to `count` if possible; return the number it has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return count
    if soft < count:
        with suppress(ValueError, OSError):  # then the present number has to do
            wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
