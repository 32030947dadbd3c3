"""What a peer may send, and how long it may take, proven by raw sockets."""

import asyncio
import time
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from shared.runtime.serving.bounds import (
    BODY_BYTES,
    HEAD_BYTES,
    HEADER_FIELDS,
    PIPELINED,
    REQUEST_LINE_BYTES,
    Bounds,
)
from tests.poll import best_of_three, until
from tests.runtime.wires import GET, HALF, LARGE_BYTES, wire_to
from tests.runtime.wires import serving as serving_with

MEBIBYTE = 1 << 20
QUICK = Bounds(100, 100, head_seconds=0.3, body_seconds=0.5, idle_seconds=0.4, answer_seconds=0.5)
PATIENT = Bounds(100, 100, head_seconds=1.5, body_seconds=1.5, idle_seconds=1.5, answer_seconds=1.5)
"""For who is in time: a busy machine may hold it up for a second."""


def dropped() -> float:
    """How many connections were closed because the peer did not read."""
    return REGISTRY.get_sample_value("recuro_connections_refused_total", {"reason": "unread"}) or 0


def post(*headers: str, path: str = "/") -> bytes:
    return ("\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *headers]) + "\r\n\r\n").encode()


CHUNKED = post("Transfer-Encoding: chunked")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving_with(Bounds(100, 100)) as port:
        yield port


@pytest.fixture(scope="module")
def quick() -> Iterator[int]:
    with serving_with(QUICK) as port:
        yield port


@pytest.fixture(scope="module")
def patient() -> Iterator[int]:
    with serving_with(PATIENT) as port:
        yield port


@pytest.mark.parametrize(
    ("begin", "more", "status"),
    [
        (b"GET /", b"a" * 65_536, 414),
        (HALF, b"a" * 65_536, 431),
        (HALF, b"\r\nX-A: b" * 8_000, 431),
        (GET[:-2] + b"X", b"a" * 65_536, 431),
        (b"", b"\r\n" * 30_000, 431),
    ],
    ids=["line", "value", "fields", "name", "empty lines"],
)
async def test_a_header_without_end_is_refused_in_words(
    port: int, begin: bytes, more: bytes, status: int
) -> None:
    async with wire_to(port) as wire:
        await wire.send(begin + more)
        answer = await wire.answer()
        sent = await wire.pour(more, 100 * MEBIBYTE)

    assert (answer.status, answer.headers["connection"]) == (status, "close")
    assert "must not" in answer.body["error"]
    assert sent < 20 * MEBIBYTE, "what comes after the refusal is taken for a moment only"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /%b HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * (REQUEST_LINE_BYTES - 1)), 200),
        (b"GET /%b HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * REQUEST_LINE_BYTES), 414),
        (GET[:-2] + b"X-A: b\r\n" * (HEADER_FIELDS - 1) + b"\r\n", 200),
        (GET[:-2] + b"X-A: b\r\n" * HEADER_FIELDS + b"\r\n", 431),
        (GET[:-2] + b"X-A: %b\r\n\r\n" % (b"b" * (HEAD_BYTES - 20)), 200),
        (GET[:-2] + b"X-A: %b\r\n\r\n" % (b"b" * HEAD_BYTES), 431),
    ],
    ids=["line", "line + 1", "fields", "fields + 1", "bytes", "bytes + 20"],
)
async def test_the_bounds_of_a_header_are_where_they_are_said_to_be(
    port: int, request_: bytes, status: int
) -> None:
    async with wire_to(port) as wire:
        await wire.send(request_)
        answer = await wire.answer()

    assert answer.status == status


async def test_a_header_in_single_bytes_is_read(port: int) -> None:
    async with wire_to(port) as wire:
        for position in range(len(GET)):
            await wire.send(GET[position : position + 1])
        answer = await wire.answer()

    assert answer.status == 200


async def test_a_large_body_before_a_header_in_halves_is_none_of_the_header(port: int) -> None:
    body = b"x" * (HEAD_BYTES - 90)
    async with wire_to(port) as wire:
        await wire.send(post(f"Content-Length: {len(body)}") + body + HALF)
        first = await wire.answer()
        await wire.send(b"a" * (HEAD_BYTES - 100))
        await wire.send(b"\r\n\r\n")
        second = await wire.answer()

    assert (first.status, second.status) == (200, 200)


@best_of_three
async def test_half_a_header_is_refused_after_its_time(quick: int) -> None:
    async with wire_to(quick) as wire:
        await wire.send(HALF)
        answer = await wire.answer()

    assert (answer.status, answer.body) == (408, {"error": "The header did not come in time"})


@best_of_three
async def test_a_header_that_drips_is_refused_all_the_same(quick: int) -> None:
    async with wire_to(quick) as wire:
        await wire.send(HALF)
        while await wire.is_silent(0.05):
            await wire.send(b"a")
        rest = await wire.ended()

    assert rest.startswith(b"TTP/1.1 408 ")


async def test_who_says_nothing_is_hung_up_on(quick: int) -> None:
    async with wire_to(quick) as wire:
        said = await wire.ended()

    assert said == b""


@best_of_three
async def test_an_idle_connection_is_closed_after_its_time(patient: int) -> None:
    async with wire_to(patient) as wire:
        await wire.send(GET)
        answer = await wire.answer()
        stays = await wire.is_silent(0.1)
        said = await wire.ended()

    assert (answer.status, stays, said) == (200, True, b"")


@best_of_three
async def test_a_body_that_stops_is_refused(quick: int) -> None:
    async with wire_to(quick) as wire:
        await wire.send(post("Content-Length: 100") + b"x")
        answer = await wire.answer()

    assert answer.status == 408
    assert "bytes a second" in answer.body["error"]


@best_of_three
async def test_a_body_at_a_fair_rate_may_take_longer(patient: int) -> None:
    part = b"x" * 12_000
    async with wire_to(patient) as wire:
        await wire.send(post(f"Content-Length: {5 * len(part)}"))
        for _ in range(5):
            assert await wire.is_silent(0.5)
            await wire.send(part)
        answer = await wire.answer()

    assert (answer.status, answer.body["bytes"]) == (200, 60_000)


async def test_a_body_of_nothing_but_framing_is_refused(port: int) -> None:
    for begin, more in (
        (b"1;", b"a" * 65_536),
        (b"0\r\nX-A: ", b"a" * 65_536),
        (b"0\r\n", b"X: b\r\n" * 9000),
    ):
        async with wire_to(port) as wire:
            await wire.send(CHUNKED + begin + more)
            answer = await wire.answer()
            sent = await wire.pour(more, 100 * MEBIBYTE)

        assert (answer.status, begin, sent < 20 * MEBIBYTE) == (400, begin, True)


async def test_trailers_are_not_taken_for_headers(port: int) -> None:
    async with wire_to(port) as wire:
        await wire.send(CHUNKED + b"2\r\nab\r\n0\r\nAuthorization: Bearer x\r\nX-Trailer: 1\r\n\r\n")
        answer = await wire.answer()
        await wire.send(GET)
        after = await wire.answer()

    assert answer.body["bytes"] == 2
    assert not {"authorization", "x-trailer"} & set(answer.body["headers"])
    assert after.status == 200


async def test_an_endless_body_behind_its_answer_is_cut_off(port: int) -> None:
    async with wire_to(port) as wire:
        await wire.send(post("Content-Length: 1000000000000", path="/unread"))
        answer = await wire.answer()
        sent = await wire.pour(b"x" * MEBIBYTE, 3 * BODY_BYTES)

    assert answer.status == 401
    assert sent < 2 * BODY_BYTES


async def test_a_body_of_a_few_mebibytes_is_read_behind_its_answer_and_the_connection_goes_on(
    port: int,
) -> None:
    async with wire_to(port) as wire:
        await wire.send(post(f"Content-Length: {8 * MEBIBYTE}", path="/unread") + b"x" * 8 * MEBIBYTE)
        refused = await wire.answer()
        await wire.send(GET)
        after = await wire.answer()

    assert (refused.status, after.status) == (401, 200)


async def test_requests_in_a_row_are_answered_in_order(port: int) -> None:
    async with wire_to(port) as wire:
        await wire.send(b"".join(GET.replace(b"/", b"/%d" % number, 1) for number in range(PIPELINED)))
        paths = [(await wire.answer()).body["path"] for _ in range(PIPELINED)]

    assert paths == [f"/{number}" for number in range(PIPELINED)]


async def test_a_flood_of_requests_in_a_row_is_answered_in_part_and_ended(port: int) -> None:
    async with wire_to(port) as wire:
        await wire.send(GET * 5_000)
        said = await wire.ended()

    assert said.count(b"HTTP/1.1 200") == PIPELINED + 1
    assert said.lower().count(b"connection: close") == 1


async def test_another_protocol_is_not_spoken_and_the_connection_goes_on(port: int) -> None:
    upgrade = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__")
    websocket = GET[:-2] + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"

    async with wire_to(port) as wire:
        await wire.send(post(*upgrade, "Content-Length: 2") + b"ab" + GET)
        answers = [await wire.answer(), await wire.answer()]
        await wire.send(websocket + GET)
        answers += [await wire.answer(), await wire.answer()]

    assert [answer.status for answer in answers] == [200] * 4
    assert answers[0].body["bytes"] == 2


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", 505),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/1.1\r\nHost x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: a\x00b\r\n\r\n", 400),
        (b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (post("Content-Length: 2", "Transfer-Encoding: chunked") + b"0\r\n\r\n", 400),
        (post("Content-Length: 99999999999999999999999"), 400),
        (CHUNKED + b"ffffffffffffffffff\r\n", 400),
        (CHUNKED + b"2\r\nabc\r\n", 400),
    ],
)
async def test_what_is_not_http_is_answered_in_json(port: int, said: bytes, status: int) -> None:
    async with wire_to(port) as wire:
        await wire.send(said)
        answer = await wire.answer()
        rest = await wire.ended()

    assert (answer.status, rest) == (status, b"")
    assert "HTTP/1.1" in answer.body["error"]


async def test_what_is_wrong_behind_a_good_request_takes_no_answer_from_it(port: int) -> None:
    async with wire_to(port) as wire:
        await wire.send(GET + b"no HTTP at all\r\n\r\n")
        answer = await wire.answer()
        rest = await wire.ended()

    assert (answer.status, rest) == (200, b"")


@best_of_three
async def test_who_does_not_read_its_answer_is_dropped(quick: int) -> None:
    before = dropped()

    async def is_dropped() -> bool:
        return dropped() > before

    async with wire_to(quick) as wire:
        wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await wire.send(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await until(is_dropped)
        wire.writer.transport.resume_reading()  # type: ignore[attr-defined]
        came = await wire.ended()

    assert len(came) < LARGE_BYTES


@best_of_three
async def test_who_reads_its_answer_slowly_gets_it_whole(patient: int) -> None:
    began = time.monotonic()
    async with wire_to(patient) as wire:
        await wire.send(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        came = 0
        while part := await wire.reader.read(MEBIBYTE):
            came += len(part)
            wire.writer.transport.pause_reading()  # type: ignore[attr-defined]
            # The peer is slow: for all of it, it takes half as long again as nothing may come.
            due = began + 1.5 * PATIENT.answer_seconds * came / LARGE_BYTES
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            wire.writer.transport.resume_reading()  # type: ignore[attr-defined]

    assert came > LARGE_BYTES
    assert time.monotonic() - began > PATIENT.answer_seconds
