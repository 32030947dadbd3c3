"""What a target may say: the answers that are taken, those that are refused, and those that are cut."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest

from services.worker.connection import HEAD_BYTES, KEPT_BYTES, READ_BYTES
from services.worker.delivery import Exchange, Outgoing, Sender
from shared.addresses import Policy
from shared.schemas.runs import FailureReason
from tests import hostile
from tests.hostile import HEAD, saying

CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
OK = HEAD + b"Content-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with Sender(Policy((ip_network("127.0.0.0/8"),))) as opened:
        yield opened


async def met(
    sender: Sender, behave: hostile.Behaviour, *, seconds: float = 5.0, body: bytes | None = None
) -> Exchange:
    async with hostile.serving(behave) as address:
        return await sender.send(Outgoing("POST" if body else "GET", f"http://{address}/", {}, body, seconds))


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (OK, 200, "ok"),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, "ok"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok"),
        (HEAD + b"\r\nuntil the end", 200, "until the end"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end"),
        (HEAD + b"Connection: close\r\n\r\n", 200, ""),
        (CHUNKED + b"2\r\nok\r\n0\r\n\r\n", 200, "ok"),
        (CHUNKED + b"1;a=b\r\no\r\n1;c\r\nk\r\n0\r\n\r\n", 200, "ok"),
        (HEAD + b"Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, "ok"),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", 204, ""),
        (INTERIM + b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, "ok"),
        (b"HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n" + OK, 200, "ok"),
        (OK + OK, 200, "ok"),
        (OK + b"garbage", 200, "ok"),
        (HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nok and more", 200, "ok"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_an_answer_is_taken_whole_or_byte_by_byte(
    sender: Sender, answer: bytes, status: int, body: str, at_once: bool
) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hostile.request_head(reader)
        for byte in answer:
            writer.write(bytes((byte,)))
            await asyncio.sleep(0)  # the other side's turn, in the same loop

    exchange = await met(sender, saying(answer) if at_once else drip)

    assert exchange.failure_reason is None
    assert (exchange.response_status, exchange.response_body) == (status, body)
    assert not exchange.response_truncated


async def test_headers_are_those_of_the_final_answer_alone(sender: Sender) -> None:
    answer = (
        CHUNKED.replace(b"\r\n\r\n", b"\r\nX-A:  1 \r\nx-a: gr\xfcn\r\n\r\n") + b"0\r\nX-Trailer: 1\r\n\r\n"
    )

    exchange = await met(sender, saying(INTERIM + answer))

    assert exchange.response_headers == (("transfer-encoding", "chunked"), ("x-a", "1"), ("x-a", "gr\u00fcn"))


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        HEAD + b"Content-Length: 2, 2\r\n\r\nok",
        HEAD + b"Content-Length: -2\r\n\r\nok",
        HEAD + b"Content-Length: +2\r\n\r\nok",
        HEAD + b"Content-Length: 99999999999999999999\r\n\r\nok",
        HEAD + b"Content-Length:\r\n\r\nok",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
        HEAD + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
        HEAD + b"X : a\r\nContent-Length: 0\r\n\r\n",
        HEAD + b"no colon\r\nContent-Length: 0\r\n\r\n",
        HEAD + b"X: a\rY: b\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        CHUNKED + b"-2\r\nok\r\n0\r\n\r\n",
        CHUNKED + b"0x2\r\nok\r\n0\r\n\r\n",
        CHUNKED + b"g\r\nok\r\n0\r\n\r\n",
        CHUNKED + b"2 \r\nok\r\n0\r\n\r\n",
        CHUNKED + b"2\r\nokay\r\n0\r\n\r\n",
        CHUNKED + b"2\nok\n0\n\n",
        CHUNKED + b"fffffffffffffffff\r\nok",
        CHUNKED + b"0\r\nContent-Length: 2\r\n\r\n",
        b"SSH-2.0-secret\r\n",
    ],
)
async def test_an_answer_that_two_could_read_in_two_ways_is_refused(sender: Sender, answer: bytes) -> None:
    exchange = await met(sender, saying(answer))

    assert exchange.failure_reason is FailureReason.CONNECTION_ERROR
    assert exchange.error_message == "The target's answer is not valid HTTP."


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (HEAD + b"Content-Length: 9\r\n\r\nok", "ok"),
        (HEAD + b"Content-Length: 18446744073709551615\r\n\r\nok", "ok"),
        (CHUNKED + b"2\r\nok\r\n", "ok"),
        (CHUNKED + b"9\r\nok", "ok"),
        (CHUNKED + b"2\r\nok\r\n0\r\nX-Trailer: 1\r\n", "ok"),
    ],
)
async def test_a_body_that_ends_too_soon_is_a_failure_that_keeps_what_came(
    sender: Sender, answer: bytes, body: str
) -> None:
    exchange = await met(sender, saying(answer))

    assert exchange.failure_reason is FailureReason.CONNECTION_ERROR
    assert exchange.error_message == "The target closed the connection in the middle of its answer."
    assert (exchange.response_status, exchange.response_body) == (200, body)
    assert exchange.response_truncated


@pytest.mark.parametrize(
    "behave",
    [
        saying(HEAD, b"X-Drop: 1\r\n" * 100, endlessly=True),
        saying(HEAD + b"X: " + b"a" * 9000 + b"\r\nContent-Length: 0\r\n\r\n"),
        saying(HEAD + b"X: 123\r\n" * 10_000 + b"Content-Length: 0\r\n\r\n"),
        saying(b"HTTP/1.1 200 ", b"O" * 10_000, endlessly=True),
        saying(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, endlessly=True),
        saying(CHUNKED + b"0\r\n", b"X-Trailer: 1\r\n" * 100, endlessly=True),
    ],
)
async def test_a_head_without_end_is_too_large(sender: Sender, behave: hostile.Behaviour) -> None:
    exchange = await met(sender, behave)

    assert exchange.failure_reason is FailureReason.RESPONSE_TOO_LARGE
    assert exchange.duration_ms < 2000


@pytest.mark.parametrize(
    "behave",
    [
        saying(HEAD + b"\r\n", b"a" * 65536, endlessly=True),
        saying(HEAD + b"Content-Length: 10000000\r\n\r\n", b"a" * 65536, endlessly=True),
        saying(CHUNKED, b"1\r\na\r\n" * 10_000, endlessly=True),
        saying(CHUNKED + b"10000\r\n" + b"a" * KEPT_BYTES + b"\r\n1", b";ext" * 10_000, endlessly=True),
    ],
)
async def test_a_body_without_end_is_cut_and_its_status_counts(
    sender: Sender, behave: hostile.Behaviour
) -> None:
    exchange = await met(sender, behave)

    assert (exchange.response_status, exchange.failure_reason) == (200, None)
    assert exchange.response_body == "a" * KEPT_BYTES
    assert exchange.response_truncated
    assert exchange.duration_ms < 2000


async def test_a_body_up_to_the_bound_is_read_to_its_end(sender: Sender) -> None:
    talk = hostile.Talk(HEAD + b"Content-Length: %d\r\n\r\n" % READ_BYTES + b"a" * READ_BYTES)
    async with hostile.serving(talk) as address:
        for _ in range(2):
            await sender.send(Outgoing("GET", f"http://{address}/", {}, None, 5.0))

    assert (len(talk.requests), talk.connections) == (2, 1)
    assert HEAD_BYTES < READ_BYTES


async def test_another_protocol_is_not_switched_to(sender: Sender) -> None:
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw"

    exchange = await met(sender, saying(switch, every=0.01, endlessly=True))

    assert (exchange.response_status, exchange.response_body) == (101, "")
    assert exchange.failure_reason is FailureReason.UNKNOWN
    assert exchange.duration_ms < 2000


@pytest.mark.parametrize("behave", [hostile.deaf, hostile.silent])
async def test_a_target_that_does_not_answer_a_large_body_ends_in_time(
    sender: Sender, behave: hostile.Behaviour
) -> None:
    exchange = await met(sender, behave, seconds=0.3, body=b"x" * 8 * READ_BYTES)

    assert exchange.failure_reason is FailureReason.TIMEOUT
    assert exchange.duration_ms < 1000


async def test_an_answer_before_the_whole_body_was_read_is_taken(sender: Sender) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hostile.request_head(reader)
        writer.write(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n")
        await asyncio.Event().wait()

    exchange = await met(sender, refuse, body=b"x" * 16 * READ_BYTES)

    assert exchange.failure_reason is FailureReason.HTTP_CLIENT_ERROR
    assert exchange.duration_ms < 2000
