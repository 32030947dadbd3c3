"""Every way an exchange can end, against real servers, and what a request looks like on arrival."""

import asyncio
import gzip
import random
import socket
import ssl
import threading
import time
import zlib
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_network
from pathlib import Path

import brotli
import pytest
import zstandard

from services.worker.http.client import Sender
from services.worker.http.egress import Resolver
from services.worker.http.exchange import Exchange
from services.worker.http.outgoing import Outgoing
from shared.schemas.assertions import (
    Assertion,
    BodyContains,
    BodyMatches,
    BodyNotContains,
    JsonPathEquals,
)
from shared.schemas.runs import FailureReason
from shared.security.addresses import Policy
from tests import hostile
from tests.poll import best_of_three, until
from tests.target import Target

LOOPBACK = Policy((ip_network("127.0.0.0/8"),))
KEPT, READ = 64 * 1024, 1024 * 1024
EARLY_MS = 15_000
"""Half of what a request may take here: what ends by itself does so long before, on a busy machine too."""


def everything_is_here(name: str) -> list[str]:
    if name == "nx.test":
        raise OSError("no such name")
    return ["127.0.0.1"]


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}  # the worker's loop: it words some failures differently


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with Sender(LOOPBACK, resolver=Resolver(LOOPBACK, everything_is_here)) as opened:
        yield opened


def get(url: str, seconds: float = 30.0) -> Outgoing:
    return Outgoing("GET", url, {}, None, seconds)


async def met(sender: Sender, behave: hostile.Behaviour, seconds: float = 30.0) -> Exchange:
    """A GET to a target that behaves like that."""
    async with hostile.serving(behave) as address:
        return await sender.send(get(f"http://{address}/", seconds))


async def test_a_request_arrives_as_it_was_made(sender: Sender, target: Target) -> None:
    headers = {"X-Mixed-Case": "one", "Content-Type": "text/plain", "User-Agent": "Recuro/9"}
    url = f"http://a.test:{target.port}/a%2Fb?sig=%2B%3d"

    await sender.send(Outgoing("PATCH", url, headers, b"\x00body", 5.0))

    (received,) = target.received
    assert (received.method, received.path, received.body) == ("PATCH", "/a%2Fb?sig=%2B%3d", b"\x00body")
    assert dict(received.headers) == headers | {
        "Host": f"a.test:{target.port}",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Content-Length": "5",
    }


@pytest.mark.parametrize(("method", "length"), [("GET", None), ("POST", "0"), ("PUT", "0")])
async def test_a_request_without_body_invents_none(
    sender: Sender, target: Target, method: str, length: str | None
) -> None:
    await sender.send(Outgoing(method, target.url, {}, None, 5.0))

    assert target.received[0].headers.get("Content-Length") == length
    assert "Content-Type" not in target.received[0].headers
    assert "User-Agent" not in target.received[0].headers


async def test_a_2xx_is_success_and_its_answer_is_kept(sender: Sender, target: Target) -> None:
    target.answer_with(201, "gr\u00fc\u00df dich".encode() + b"\xff", {"X-Id": "7"}, delay=0.05)

    began_ms = time.time() * 1000
    exchange = await sender.send(get(target.url))
    ended_ms = time.time() * 1000

    assert exchange.failure_reason is None
    assert exchange.error_message is None
    assert (exchange.response_status, exchange.response_body) == (201, "gr\u00fc\u00df dich\ufffd")
    assert ("x-id", "7") in exchange.response_headers
    assert not exchange.response_truncated
    assert 50 <= exchange.duration_ms < EARLY_MS
    assert exchange.executed_at_ms == exchange.started_at_ms + exchange.duration_ms
    assert began_ms - 1 < exchange.started_at_ms <= exchange.executed_at_ms < ended_ms + 1


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, FailureReason.HTTP_CLIENT_ERROR),
        (404, FailureReason.HTTP_CLIENT_ERROR),
        (429, FailureReason.HTTP_CLIENT_ERROR),
        (500, FailureReason.HTTP_SERVER_ERROR),
        (503, FailureReason.HTTP_SERVER_ERROR),
    ],
)
async def test_an_error_status_is_a_failure_that_names_it(
    sender: Sender, target: Target, status: int, reason: FailureReason
) -> None:
    target.answer_with(status, b"secret")

    exchange = await sender.send(get(target.url))

    assert (exchange.response_status, exchange.failure_reason) == (status, reason)
    assert exchange.error_message == f"The target answered with status {status}."
    assert exchange.response_body == "secret"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_named_and_not_followed(sender: Sender, target: Target, status: int) -> None:
    target.answer("/from", status, location="/to")

    exchange = await sender.send(get(f"{target.url}/from"))

    assert exchange.failure_reason is FailureReason.REDIRECT
    assert exchange.error_message is not None
    assert (
        f"({status}) to /to, and redirects are not followed: make {target.url}/to the url"
        in exchange.error_message
    )
    assert [received.path for received in target.received] == ["/from"]


@pytest.mark.parametrize("status", [300, 304, 308])
async def test_a_redirect_without_location_fails_all_the_same(
    sender: Sender, target: Target, status: int
) -> None:
    target.answer_with(status)

    exchange = await sender.send(get(target.url))

    assert (exchange.failure_reason, exchange.failure_stage) == (FailureReason.REDIRECT, None)


@pytest.mark.parametrize(
    "condition", [{"If-None-Match": '"v7"'}, {"if-modified-since": "Fri, 27 Nov 2026 09:00:00 GMT"}]
)
async def test_that_nothing_changed_is_a_success_to_who_asked(
    sender: Sender, target: Target, condition: dict[str, str]
) -> None:
    target.answer_with(304)

    exchange = await sender.send(get(target.url)._replace(headers=condition))

    assert (exchange.response_status, exchange.failure_reason, exchange.response_body) == (304, None, "")


@pytest.mark.parametrize(
    "behave", [hostile.silent, hostile.drip_head, hostile.drip_body, hostile.endless_interim]
)
@best_of_three
async def test_the_deadline_is_total_however_busy_the_target_is(
    sender: Sender, behave: hostile.Behaviour
) -> None:
    exchange = await met(sender, behave, seconds=0.3)

    assert exchange.failure_reason is FailureReason.TIMEOUT
    assert exchange.error_message is not None
    assert "within 0.3 s." in exchange.error_message
    assert 290 <= exchange.duration_ms < EARLY_MS


@best_of_three
async def test_a_timeout_keeps_what_had_arrived(sender: Sender) -> None:
    exchange = await met(sender, hostile.drip_body, seconds=0.3)

    assert exchange.response_status == 200
    assert exchange.response_body is not None
    assert set(exchange.response_body) == {"a"}
    assert exchange.response_truncated


async def test_the_deadline_covers_the_name_lookup(target: Target) -> None:
    answered = threading.Event()

    def slow(name: str) -> list[str]:
        answered.wait(5)
        return ["127.0.0.1"]

    async with Sender(LOOPBACK, resolver=Resolver(LOOPBACK, slow)) as sender:
        exchange = await sender.send(get(f"http://slow.test:{target.port}/", 0.1))
        answered.set()

    assert exchange.failure_reason is FailureReason.TIMEOUT
    assert target.received == []


@pytest.mark.parametrize("size", [KEPT, KEPT + 1, READ, 3 * READ])
async def test_the_first_64_kib_of_a_body_are_kept_and_its_status_counts(
    sender: Sender, target: Target, size: int
) -> None:
    target.answer_with(200, b"x" * size)

    exchange = await sender.send(get(target.url))

    assert exchange.failure_reason is None
    assert exchange.response_body == "x" * KEPT
    assert exchange.response_truncated == (size > KEPT)


async def test_an_endless_body_is_cut_and_the_next_request_is_clean(sender: Sender, target: Target) -> None:
    cut = await met(sender, hostile.endless_body)
    after = await sender.send(get(target.url))

    assert (cut.response_status, cut.failure_reason, cut.response_truncated) == (200, None, True)
    assert cut.duration_ms < EARLY_MS
    assert after.failure_reason is None


async def test_a_gzip_bomb_is_unpacked_no_further_than_is_kept(sender: Sender) -> None:
    exchange = await met(sender, hostile.gzip_bomb(200_000_000))

    assert exchange.failure_reason is None
    assert exchange.response_body == "\0" * KEPT
    assert exchange.response_truncated


def coded(body: bytes, coding: bytes, status: bytes = b"200 OK") -> hostile.Behaviour:
    head = b"HTTP/1.1 %b\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n"
    return hostile.saying(head % (status, coding, len(body)) + body)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"gzip", gzip.compress(b"hello", mtime=0)),
        (b"X-GZIP", gzip.compress(b"hello", mtime=0)),
        (
            b"gzip",
            gzip.compress(b"hel", mtime=0) + gzip.compress(b"", mtime=0) + gzip.compress(b"lo", mtime=0),
        ),
        (b"gzip", gzip.compress(b"hello", mtime=0) + bytes(100)),
        (b"deflate", zlib.compress(b"hello") + zlib.compress(b"!")),
        (b"deflate", zlib.compress(b"hello")),
        (b"deflate", zlib.compress(b"hello")[2:-4]),
        (b"identity", b"hello"),
        (b"br", b"hello"),
        (b"gzip, br", b"hello"),
        (b"utf-8", b"hello"),
        (b"aws-chunked", b"hello"),
    ],
)
async def test_a_body_that_was_packed_unasked_is_shown_as_what_it_holds(
    sender: Sender, coding: bytes, body: bytes
) -> None:
    exchange = await met(sender, coded(body, coding))

    assert (exchange.response_body, exchange.response_truncated) == ("hello", False)
    assert exchange.failure_reason is None


async def test_an_errors_body_is_unpacked_too(sender: Sender) -> None:
    exchange = await met(sender, coded(gzip.compress(b"sorry"), b"gzip", b"500 No"))

    assert (exchange.response_body, exchange.failure_reason) == ("sorry", FailureReason.HTTP_SERVER_ERROR)


@pytest.mark.parametrize("coding", [b"gzip", b"deflate", b"br", b"zstd", b"gzip, gzip"])
async def test_a_body_that_is_not_what_it_says_is_shown_as_it_is(sender: Sender, coding: bytes) -> None:
    exchange = await met(sender, coded(b"not packed at all", coding))

    assert (exchange.failure_reason, exchange.response_body) == (None, "not packed at all")


async def test_a_coding_that_nobody_knows_is_named(sender: Sender) -> None:
    exchange = await met(sender, coded(b"\x1f\x9d\x90", b"compress"))

    assert exchange.response_body == "[a body of 3 bytes, packed as compress]"


async def test_a_body_packed_more_often_than_is_unpacked_is_named(sender: Sender) -> None:
    body = gzip.compress(b"a" * 5000, mtime=0)
    for _ in range(4):
        body = gzip.compress(body, mtime=0)

    exchange = await met(sender, coded(body, b"gzip, x-gzip, gzip, gzip, gzip"))

    assert exchange.response_body == f"[a body of {len(body)} bytes, packed as gzip]"


async def test_what_is_packed_for_the_transfer_is_unpacked_too(sender: Sender) -> None:
    packed = gzip.compress(b"hello")
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed), packed)

    exchange = await met(sender, hostile.saying(head + chunks))

    assert (exchange.response_body, exchange.response_truncated) == ("hello", False)


@pytest.mark.parametrize("pack", [zstandard.compress, brotli.compress])
async def test_a_bomb_of_any_coding_goes_no_further_than_is_kept(
    sender: Sender, pack: Callable[[bytes], bytes]
) -> None:
    coding = b"zstd" if pack is zstandard.compress else b"br"

    exchange = await met(sender, coded(pack(bytes(50_000_000)), coding))

    assert (exchange.response_body, exchange.response_truncated) == ("\0" * KEPT, True)


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        (b"text/plain; charset=iso-8859-1", "Größe €".encode("cp1252"), "Größe €"),
        (b'text/html;charset="Windows-1252"', "Größe".encode("cp1252"), "Größe"),
        (b"text/plain; charset=UTF-16", "Größe".encode("utf-16"), "Größe"),
        (b"text/plain; charset=utf-16be", "Größe".encode("utf-16-be"), "Größe"),
        (b"text/plain; charset=utf-16", "Größe".encode("utf-16-le"), "Größe"),
        (b"text/plain; charset=utf-32", "Größe".encode("utf-32"), "Größe"),
        (b"text/plain; charset=utf-32", b"\0\0\xfe\xff" + "Größe".encode("utf-32-be"), "Größe"),
        (b"text/plain", b"\xff\xfe" + "Größe".encode("utf-16-le"), "Größe"),
        (b"text/plain; charset=latin-1", b"\xef\xbb\xbf" + "Größe".encode(), "Größe"),
        (b"text/plain; charset=Shift_JIS", "大きさ".encode("shift_jis"), "大きさ"),
        (b"text/plain; charset=koi8-r", "размер".encode("koi8-r"), "размер"),
        (b"text/plain; charset=nonsense", "Größe".encode(), "Größe"),
        (b"text/plain; charset=unicode_escape", b"\\u0041", "\\u0041"),
        (b"text/plain; charset=zip", b"abc", "abc"),
        (b"image/png", b"\x89PNG", "\ufffdPNG"),
        (b"application/json", b'\xef\xbb\xbf{"a": 1}', '{"a": 1}'),
    ],
)
async def test_a_body_is_read_by_its_mark_then_by_its_charset(
    sender: Sender, content_type: bytes, body: bytes, text: str
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (content_type, len(body))

    exchange = await met(sender, hostile.saying(head + body))

    assert (exchange.response_body, exchange.response_truncated) == (text, False)


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-32", "shift_jis", "gb18030", "iso-2022-jp"])
async def test_a_body_that_was_cut_is_shown_in_any_charset(sender: Sender, charset: str) -> None:
    head = f"Content-Type: text/plain; charset={charset}\r\nContent-Length: 20000\r\n\r\n"
    body = "ab".encode(charset.replace("16", "16-le").replace("32", "32-le"))

    exchange = await met(sender, hostile.saying(hostile.HEAD + head.encode() + body))

    assert (exchange.response_status, exchange.failure_reason) == (200, None)
    assert (exchange.response_body, exchange.response_truncated) == ("ab", True)


async def test_a_character_torn_by_the_bound_is_left_out(sender: Sender) -> None:
    body = ("a" * (KEPT - 1) + "ö" * 10).encode()

    exchange = await met(
        sender, hostile.saying(hostile.HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    )

    assert (exchange.response_body, exchange.response_truncated) == ("a" * (KEPT - 1), True)


@pytest.mark.parametrize(
    ("assertion", "holds"),
    [
        (BodyContains(type="body_contains", value="Größe"), True),
        (BodyNotContains(type="body_not_contains", value="Größe"), False),
        (BodyMatches(type="body_matches", value="Gr..e"), True),
        (JsonPathEquals(type="json_path_equals", path="$.a", value="Größe"), True),
    ],
)
async def test_assertions_look_at_the_text_whatever_its_charset(
    sender: Sender, assertion: Assertion, holds: bool
) -> None:
    body = '{"a": "Größe"}'.encode("utf-16")
    head = hostile.HEAD + b"Content-Length: %d\r\n\r\n" % len(body)
    async with hostile.serving(hostile.saying(head + body)) as address:
        exchange = await sender.send(Outgoing("GET", f"http://{address}/", {}, None, 5.0, (assertion,)))

    assert (exchange.failure_reason is None) == holds


async def test_many_packed_members_are_unpacked_no_further_than_is_kept(sender: Sender) -> None:
    members = gzip.compress(bytes(KEPT // 2)) * 3

    exchange = await met(sender, coded(members, b"gzip"))

    assert exchange.response_truncated
    assert len(exchange.response_body or "") == KEPT


async def test_a_packed_body_that_was_cut_is_shown_as_far_as_it_goes(sender: Sender) -> None:
    packed = gzip.compress(random.Random(1).randbytes(3 * KEPT))

    exchange = await met(sender, coded(packed, b"gzip"))

    assert exchange.failure_reason is None
    assert exchange.response_truncated
    assert len(exchange.response_body or "") > KEPT // 2


@pytest.mark.parametrize("behave", [hostile.not_http, hostile.saying()])
async def test_an_answer_that_is_no_answer_is_a_connection_error(
    sender: Sender, behave: hostile.Behaviour
) -> None:
    exchange = await met(sender, behave)

    assert exchange.failure_reason is FailureReason.CONNECTION_ERROR
    assert exchange.error_message is not None


async def test_an_overlong_header_line_is_too_large(sender: Sender) -> None:
    exchange = await met(sender, hostile.long_header)

    assert exchange.failure_reason is FailureReason.RESPONSE_TOO_LARGE


async def test_a_closed_port_is_a_connection_error_that_says_why(sender: Sender) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

        exchange = await sender.send(get(f"http://a.test:{port}/?token=secret"))

    assert exchange.failure_reason is FailureReason.CONNECTION_ERROR
    assert exchange.error_message == f"No connection to a.test:{port}: Connection refused."
    assert (exchange.response_status, exchange.response_body) == (None, None)


async def test_an_unknown_name_is_a_dns_error(sender: Sender) -> None:
    exchange = await sender.send(get("http://nx.test/"))

    assert exchange.failure_reason is FailureReason.DNS_ERROR
    assert exchange.error_message == "nx.test could not be resolved."


@pytest.mark.parametrize("url", ["http://", "http://127.1/", "ftp://a.test/", "http://u:p@a.test/"])
async def test_an_unusable_url_is_named_as_such(sender: Sender, url: str) -> None:
    exchange = await sender.send(get(url))

    assert exchange.failure_reason is FailureReason.INVALID_URL


@pytest.mark.parametrize("host", ["127.0.0.1", "here.test", "[::ffff:127.0.0.1]", "localhost"])
async def test_nothing_reaches_an_address_outside_the_policy(target: Target, host: str) -> None:
    async with Sender(Policy(), resolver=Resolver(Policy(), everything_is_here)) as sender:
        exchange = await sender.send(get(f"http://{host}:{target.port}/"))

    assert exchange.failure_reason is FailureReason.BLOCKED_ADDRESS
    assert "policy" in (exchange.error_message or "")
    assert target.received == []


async def test_what_is_dialled_is_the_answer_that_was_judged(target: Target) -> None:
    target.answer_with(200, headers={"Connection": "close"})
    answers = iter((["127.0.0.1"], ["127.0.0.2"]))
    here = Policy((ip_network("127.0.0.1/32"),))
    resolver = Resolver(here, lambda name: next(answers))
    async with Sender(here, resolver=resolver) as sender:
        exchanges = [await sender.send(get(f"http://re.test:{target.port}/")) for _ in range(2)]

    assert [exchange.failure_reason for exchange in exchanges] == [None, None]
    assert next(answers) == ["127.0.0.2"]


async def test_a_certificate_that_nobody_vouches_for_is_an_ssl_error(sender: Sender, tmp_path: Path) -> None:
    path = hostile.certificate(tmp_path, "good.test")
    with Target(tls=hostile.server_tls(path)) as target:
        exchange = await sender.send(get(f"https://good.test:{target.port}/"))

    assert exchange.failure_reason is FailureReason.SSL_ERROR
    assert "certificate was refused" in (exchange.error_message or "")
    assert target.received == []


async def test_a_certificate_that_has_ended_is_an_ssl_error(tmp_path: Path) -> None:
    path = hostile.certificate(tmp_path, "good.test", days=-1)
    tls = ssl.create_default_context(cafile=path)
    resolver = Resolver(LOOPBACK, everything_is_here)
    with Target(tls=hostile.server_tls(path)) as target:
        async with Sender(LOOPBACK, resolver=resolver, tls=tls) as sender:
            exchange = await sender.send(get(f"https://good.test:{target.port}/"))

    assert exchange.failure_reason is FailureReason.SSL_ERROR
    assert exchange.error_message == "The target's TLS certificate was refused: certificate has expired."


@pytest.mark.parametrize(
    ("host", "reason"), [("good.test", None), ("bad.test", "ssl_error"), ("127.0.0.1", "ssl_error")]
)
async def test_a_certificate_counts_for_the_name_that_was_asked(
    tmp_path: Path, host: str, reason: str | None
) -> None:
    path = hostile.certificate(tmp_path, "good.test")
    tls = ssl.create_default_context(cafile=path)
    resolver = Resolver(LOOPBACK, everything_is_here)
    with Target(tls=hostile.server_tls(path)) as target:
        async with Sender(LOOPBACK, resolver=resolver, tls=tls) as sender:
            exchange = await sender.send(get(f"https://{host}:{target.port}/"))

    assert exchange.failure_reason == reason


async def test_tls_to_a_plain_target_fails_at_once(sender: Sender, target: Target) -> None:
    exchange = await sender.send(get(f"https://127.0.0.1:{target.port}/"))

    assert exchange.failure_reason in (FailureReason.SSL_ERROR, FailureReason.CONNECTION_ERROR)


@pytest.mark.parametrize(
    "headers",
    [
        {"X": "a\r\nEvil: 1"},
        {"X": "a\nEvil: 1"},
        {"X": "a\0Evil"},
        {"X": "Evil \u0100"},
        {"X\r\nEvil": "1"},
        {"X: Evil": "1"},
        {"": "Evil"},
        {"Host": "Evil"},
        {"content-length": "Evil"},
        {"Transfer-Encoding": "Evil"},
    ],
)
async def test_a_header_that_cannot_be_sent_is_data_and_nothing_leaves(
    sender: Sender, target: Target, headers: dict[str, str]
) -> None:
    exchange = await sender.send(Outgoing("GET", target.url, headers, None, 5.0))

    assert exchange.failure_reason is FailureReason.UNKNOWN
    assert "Evil" not in (exchange.error_message or "")
    assert target.received == []


async def test_a_method_that_cannot_be_sent_is_data_too(sender: Sender, target: Target) -> None:
    exchange = await sender.send(Outgoing("GET /x HTTP/1.1\r\nX:", target.url, {}, None, 5.0))

    assert exchange.failure_reason is FailureReason.UNKNOWN
    assert target.received == []


async def test_accept_is_the_callers_if_he_says_so_and_values_may_be_latin_1(sender: Sender) -> None:
    talk = hostile.Talk(b"HTTP/1.1 204 No Content\r\n\r\n")
    async with hostile.serving(talk) as address:
        headers = {"ACCEPT": "text/csv", "X": "gr\u00fcn"}
        await sender.send(Outgoing("POST", f"http://{address}", headers, None, 5.0))

    lines = talk.requests[0].split(b"\r\n")
    assert lines[0] == b"POST / HTTP/1.1"
    assert [line for line in lines if line.lower().startswith(b"accept:")] == [b"ACCEPT: text/csv"]
    assert b"X: gr\xfcn" in lines


async def test_cookies_are_not_carried_to_the_next_request(sender: Sender, target: Target) -> None:
    target.answer_with(200, headers={"Set-Cookie": "a=b; Path=/"})

    for _ in range(2):
        await sender.send(get(f"http://a.test:{target.port}/"))

    assert "Cookie" not in target.received[1].headers


async def test_proxies_of_the_environment_are_ignored(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with Sender(LOOPBACK) as sender:
        exchange = await sender.send(get(target.url))

    assert exchange.failure_reason is None


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_request_that_was_taken_by_a_connection_that_dies_is_sent_once(
    sender: Sender, method: str
) -> None:
    heads: list[bytes] = []

    async def dies_at_the_second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""):
            heads.append(await hostile.request_head(reader))
            writer.write(answer)

    async with hostile.serving(dies_at_the_second) as address:
        call = Outgoing(method, f"http://{address}/", {}, None, 5.0)
        first, second = await sender.send(call), await sender.send(call)

    assert first.failure_reason is None
    assert second.failure_reason is FailureReason.CONNECTION_ERROR
    assert len(heads) == 2


async def test_a_cancelled_send_is_cancelled(sender: Sender, target: Target) -> None:
    target.answer_with(200, delay=5.0)
    sending = asyncio.create_task(sender.send(get(target.url)))

    async def arrived() -> bool:
        return len(target.received) == 1

    await until(arrived)
    sending.cancel()

    with pytest.raises(asyncio.CancelledError):
        await sending


async def test_an_early_answer_to_a_large_body_ends_the_exchange(sender: Sender) -> None:
    refuse = hostile.saying(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n")
    async with hostile.serving(refuse) as address:
        exchange = await sender.send(Outgoing("POST", f"http://{address}/", {}, b"x" * READ, 30.0))

    assert exchange.failure_reason in (FailureReason.HTTP_CLIENT_ERROR, FailureReason.CONNECTION_ERROR)
    assert exchange.duration_ms < EARLY_MS


async def test_a_hundred_at_once_are_all_answered(sender: Sender, target: Target) -> None:
    exchanges = await asyncio.gather(*(sender.send(get(f"{target.url}/{n}")) for n in range(100)))

    assert {exchange.failure_reason for exchange in exchanges} == {None}
    assert {received.path for received in target.received} == {f"/{n}" for n in range(100)}
