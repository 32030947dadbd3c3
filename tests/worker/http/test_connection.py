"""What a target may say: the answers that are taken, those that are refused, and those that are cut."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest

from services.worker.http.client import Sender
from services.worker.http.exchange import Exchange
from services.worker.http.outgoing import Outgoing
from services.worker.http.response import HEAD_BYTES, KEPT_BYTES, READ_BYTES
from shared.schemas.assertions import Assertion, BodyContains, BodyNotContains, JsonPathEquals
from shared.schemas.runs import FailureReason
from shared.security.addresses import Policy
from tests import hostile
from tests.hostile import HEAD, saying

CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
INTERIM = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
OK = HEAD + b"Content-Length: 2\r\n\r\nok"
EARLY_MS = 15_000
"""Half of what a request may take here: what ends by itself does so long before, on a busy machine too."""


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with Sender(Policy((ip_network("127.0.0.0/8"),))) as opened:
        yield opened


async def met(
    sender: Sender, behave: hostile.Behaviour, *, seconds: float = 30.0, body: bytes | None = None
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
    ("answer", "body"),
    [
        (HEAD + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok"),
        (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok"),
        (HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (HEAD + b"Content-Length: 2, 2\r\n\r\nok", "ok"),
        (HEAD + b"Content-Length: 02\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok"),
        (
            HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            "ok",
        ),
        (HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok"),
        (HEAD + b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok"),
        (HEAD + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (HEAD + b" folded under nothing\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (HEAD + b"X: a\x01b\x7f\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (HEAD + b"X : a\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (HEAD + b"Content-Length : 2\r\n\r\nok", "ok"),
        (HEAD + b": no name\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (HEAD + b"no colon\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (HEAD + b"X: a\rY: b\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "ok"),
        (b"HTTP/1.1 200 OK\nContent-Length: 5\n\na\r\n\r\n", "a\r\n\r\n"),
        (b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (b"http/1.1 200 ok\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (b"HTTP/1.1  200\tOK\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (HEAD + b"X: " + b"a" * 9000 + b"\r\nContent-Length: 2\r\n\r\nok", "ok"),
        (HEAD + b"X-Header: 0123456789\r\n" * 10_000 + b"Content-Length: 2\r\n\r\nok", "ok"),
        (CHUNKED + b"2 \r\nok\r\n0\r\n\r\n", "ok"),
        (CHUNKED + b" 2\t;a=b\r\nok\r\n0\r\n\r\n", "ok"),
        (CHUNKED + b"2\nok\n0\n\n", "ok"),
        (CHUNKED + b"00000000000000000002\r\nok\r\n000\r\n\r\n", "ok"),
        (CHUNKED + b"2\r\nok\r\n0\r\nContent-Length: 3\r\n\r\n", "ok"),
        (CHUNKED + b"2\r\nok\r\n0\r\n", "ok"),
        (CHUNKED + b"2\r\nok\r\n0\r\nX-Trailer: 1\r\n", "ok"),
    ],
)
async def test_what_other_clients_read_is_read(sender: Sender, answer: bytes, body: str) -> None:
    exchange = await met(sender, saying(answer))

    assert (exchange.response_status, exchange.failure_reason, exchange.error_message) == (200, None, None)
    assert (exchange.response_body, exchange.response_truncated) == (body, False)


async def test_a_folded_line_is_one_with_a_blank(sender: Sender) -> None:
    exchange = await met(sender, saying(HEAD + b"X: a\r\n\t b\r\n c \r\nContent-Length: 0\r\n\r\n"))

    assert exchange.response_headers == (("x", "a b c"), ("content-length", "0"))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (b"Content-Length: 2\r\nContent-Length: 3\r\n", 'two lengths: Content-Length "2, 3"'),
        (b"Content-Length: 2, 3\r\n", 'two lengths: Content-Length "2, 3"'),
        (b"Content-Length: -2\r\n", 'a Content-Length that is no number: "-2"'),
        (b"Content-Length: +2\r\n", 'no number: "+2"'),
        (b"Content-Length: \xb2\r\n", "no number"),
        (b"Content-Length:\r\n", 'no number: ""'),
        (b"X: a\0b\r\nContent-Length: 2\r\n", 'a NUL in the line "X: a?b"'),
    ],
)
async def test_what_could_be_read_in_two_ways_is_refused_by_its_line_and_the_status_is_kept(
    sender: Sender, lines: bytes, said: str
) -> None:
    exchange = await met(sender, saying(HEAD + lines + b"\r\nok"))

    assert (exchange.failure_reason, exchange.failure_stage) == ("connection_error", "response")
    assert said in (exchange.error_message or "")
    assert exchange.response_status == 200


async def test_a_status_decides_whatever_is_wrong_with_the_rest(sender: Sender) -> None:
    exchange = await met(sender, saying(b"HTTP/1.1 503 No\r\nContent-Length: x\r\n\r\n"))

    assert (exchange.response_status, exchange.failure_reason) == (503, FailureReason.HTTP_SERVER_ERROR)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"SSH-2.0-OpenSSH\r\n\r\n", 'is not HTTP/1.1: it begins with "SSH-2.0-OpenSSH"'),
        (b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", '"HTTP/1.1 2000 OK"'),
        (b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", '"HTTP/1.1 20 OK"'),
        (b"HTTP/1.1 2\r\nContent-Length: 0\r\n\r\n", '"HTTP/1.1 2"'),
        (b"HTTP/1.1 \xb2\xb2\xb2 OK\r\n\r\n", "is not HTTP/1.1"),
        (b"SSH-2.0-OpenSSH", 'it begins with "SSH-2.0-OpenSSH"'),
        (b"HTTP/1.1 20", "within the first line of its answer"),
        (b"\x00\x00\x12\x04\x00\x00\x00\x00\x00", "HTTP/2 only"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "let the url begin with https://"),
    ],
)
async def test_what_is_no_answer_is_told_by_how_it_begins(sender: Sender, answer: bytes, said: str) -> None:
    exchange = await met(sender, saying(answer))

    assert (exchange.failure_reason, exchange.failure_stage) == ("connection_error", "response")
    assert said in (exchange.error_message or "")
    assert exchange.response_status is None


CUT = [
    (HEAD, ""),
    (HEAD + b"X: 1\r\nY: ", ""),
    (HEAD + b"Content-Length: 9\r\n\r\nok", "ok"),
    (HEAD + b"Content-Length: 18446744073709551615\r\n\r\nok", "ok"),
    (HEAD + b"Content-Length: 99999999999999999999\r\n\r\nok", "ok"),
    (CHUNKED + b"2\r\nok\r\n", "ok"),
    (CHUNKED + b"9\r\nok", "ok"),
    (CHUNKED + b"2\r\nok\r\n2;" + b"a" * 70_000, "ok"),
    (CHUNKED + b"2\r\nok\r\n0\r\n" + b"X-Trailer: 123456\r\n" * 4000, "ok"),
    (CHUNKED + b"2\r\nok\r\n-2\r\nok\r\n0\r\n\r\n", "ok"),
    (CHUNKED + b"2\r\nok\r\n0x2\r\nok\r\n0\r\n\r\n", "ok"),
    (CHUNKED + b"2\r\nok\r\ng\r\nok\r\n0\r\n\r\n", "ok"),
    (CHUNKED + b"2\r\nokay\r\n0\r\n\r\n", "ok"),
    (CHUNKED + b"2\r\nok\r\nfffffffffffffffff\r\nok", "ok"),
]


@pytest.mark.parametrize(("answer", "body"), CUT)
async def test_a_2xx_whose_rest_is_cut_short_is_a_success_marked_so(
    sender: Sender, answer: bytes, body: str
) -> None:
    exchange = await met(sender, saying(answer))

    assert (exchange.response_status, exchange.failure_reason) == (200, None)
    assert (exchange.response_body, exchange.response_truncated) == (body, True)


async def test_a_2xx_whose_connection_breaks_is_a_success_marked_so(sender: Sender) -> None:
    async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hostile.request_head(reader)
        writer.write(HEAD + b"\r\nthe beginning")
        await writer.drain()
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    exchange = await met(sender, breaks)

    assert (exchange.response_status, exchange.failure_reason) == (200, None)
    assert exchange.response_truncated


@pytest.mark.parametrize(
    ("assertion", "holds"),
    [
        (BodyContains(type="body_contains", value="ok"), True),
        (BodyContains(type="body_contains", value="more"), False),
        (BodyNotContains(type="body_not_contains", value="more"), False),
        (JsonPathEquals(type="json_path_equals", path="$.a", value="1"), False),
    ],
)
async def test_an_assertion_on_a_body_that_was_cut_holds_only_if_what_came_shows_it(
    sender: Sender, assertion: Assertion, holds: bool
) -> None:
    async with hostile.serving(saying(HEAD + b"Content-Length: 9\r\n\r\nok")) as address:
        call = Outgoing("POST", f"http://{address}/", {}, None, 5.0, (assertion,))
        exchange = await sender.send(call)

    assert (exchange.failure_reason is None) == holds
    assert holds or "was cut short" in (exchange.error_message or "")


@pytest.mark.parametrize(
    "behave",
    [
        saying(HEAD, b"X-Drop: 1\r\n" * 100, endlessly=True),
        saying(HEAD + b"X: " + b"a" * 300_000 + b"\r\nContent-Length: 0\r\n\r\n"),
        saying(HEAD + b"X: 123\r\n" * 40_000 + b"Content-Length: 0\r\n\r\n"),
        saying(b"HTTP/1.1 200 ", b"O" * 10_000, endlessly=True),
        saying(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, endlessly=True),
    ],
)
async def test_a_head_without_end_is_too_large(sender: Sender, behave: hostile.Behaviour) -> None:
    exchange = await met(sender, behave)

    assert exchange.failure_reason is FailureReason.RESPONSE_TOO_LARGE
    assert exchange.duration_ms < EARLY_MS


@pytest.mark.parametrize(
    "behave",
    [
        saying(HEAD + b"\r\n", b"a" * 65536, endlessly=True),
        saying(HEAD + b"Content-Length: 10000000\r\n\r\n", b"a" * 65536, endlessly=True),
        saying(CHUNKED, b"1\r\na\r\n" * 10_000, endlessly=True),
        saying(
            CHUNKED + b"10001\r\n" + b"a" * (KEPT_BYTES + 1) + b"\r\n0\r\n",
            b"X-T: 1\r\n" * 1000,
            endlessly=True,
        ),
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
    assert exchange.duration_ms < EARLY_MS


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
    assert exchange.duration_ms < EARLY_MS


@pytest.mark.parametrize("behave", [hostile.deaf, hostile.silent])
async def test_a_target_that_does_not_answer_a_large_body_ends_in_time(
    sender: Sender, behave: hostile.Behaviour
) -> None:
    exchange = await met(sender, behave, seconds=0.3, body=b"x" * 8 * READ_BYTES)

    assert exchange.failure_reason is FailureReason.TIMEOUT
    assert exchange.duration_ms < EARLY_MS


async def test_an_answer_before_the_whole_body_was_read_is_taken(sender: Sender) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hostile.request_head(reader)
        writer.write(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n")
        await asyncio.Event().wait()

    exchange = await met(sender, refuse, body=b"x" * 16 * READ_BYTES)

    assert exchange.failure_reason is FailureReason.HTTP_CLIENT_ERROR
    assert exchange.duration_ms < EARLY_MS
