"""Answers that come a byte at a time, after a line that does not end: none may hold up the worker's loop."""

import time

import pytest

from services.worker.http.response import Answer, Reader
from tests.answers.rows import HEAD

CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BYTES, BOUND_SECONDS = 500, 1.0
"""A loop that reads the whole line again for each byte takes ten times as long."""


@pytest.mark.parametrize(
    "beginning",
    [
        CHUNKED + b"2;" + b"a" * 1_000_000,
        CHUNKED + b"2" + b" " * 1_000_000,
        CHUNKED + b"2\r\nok\r\n0\r\nX-Sum: " + b"a" * 1_000_000,
        HEAD + b"X-A: " + b"a" * 250_000,
        b"\r\n" * 120_000,
    ],
    ids=["extension", "blanks after a size", "trailer", "header line", "blank lines"],
)
def test_a_byte_after_a_long_line_costs_little(beginning: bytes) -> None:
    reader = Reader(Answer())
    reader.feed(beginning)
    began = time.process_time()

    for _ in range(BYTES):
        if not reader.is_done:
            reader.feed(b"\r" if beginning.startswith(b"\r") else b"a")

    assert time.process_time() - began < BOUND_SECONDS
