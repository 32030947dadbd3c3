"""Requests that leave through the operator's proxy, a real one that notes what it was asked."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.worker.http.client import Sender
from services.worker.http.egress import Resolver
from services.worker.http.exchange import Exchange
from services.worker.http.outgoing import Outgoing
from services.worker.http.proxy import Proxy
from shared.schemas.runs import FailureReason
from shared.security.addresses import Policy
from tests import hostile
from tests.conftest import LOOPBACK
from tests.installation import free_port
from tests.poll import until
from tests.target import Target

OK = hostile.HEAD + b"Content-Length: 2\r\n\r\nok"


@dataclass
class Gate:
    """A proxy for one target at `port`; it answers a CONNECT with `answer`."""

    port: int
    answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n"
    piece_bytes: int = 1 << 20
    heads: list[bytes] = field(default_factory=list)
    open: int = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            await self._serve(reader, writer)
        finally:
            self.open -= 1

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await hostile.request_head(reader)
        self.heads.append(head)
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.port)
        if head.startswith(b"CONNECT"):
            for at in range(0, len(self.answer), self.piece_bytes):
                writer.write(self.answer[at : at + self.piece_bytes])
                await asyncio.sleep(0)  # the other side's turn to read
        else:
            inner_writer.write(head.replace(b"http://a.example", b"", 1))
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))
        inner_writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
    writer.close()


@contextlib.asynccontextmanager
async def through(gate: Gate, user: str = "", **given: object) -> AsyncIterator[Sender]:
    """A sender that may leave through the gate only; a.example and localhost lead to loopback."""
    async with hostile.serving(gate) as address:
        resolver = Resolver(Policy(LOOPBACK), look_up=lambda _name: ["127.0.0.1"])
        proxy = Proxy.at(f"http://{user}{address}")
        async with Sender(Policy(LOOPBACK), resolver=resolver, proxy=proxy, **given) as sender:  # type: ignore[arg-type]
            yield sender


async def get(sender: Sender, url: str, seconds: float = 5.0) -> Exchange:
    return await sender.send(Outgoing("GET", url, {}, None, seconds))


async def test_a_plain_request_asks_the_proxy_for_the_whole_url(target: Target) -> None:
    target.answer("/path", 200, b"hello")
    gate = Gate(target.port)

    async with through(gate, "me:p%40ss@") as sender:
        exchange = await get(sender, "http://a.example/path?q=1")

    assert (exchange.response_status, exchange.response_body) == (200, "hello")
    (head,) = gate.heads
    assert head.startswith(b"GET http://a.example/path?q=1 HTTP/1.1\r\nHost: a.example\r\n")
    assert b"Proxy-Authorization: Basic bWU6cEBzcw==\r\n" in head


async def test_an_encrypted_request_goes_through_a_tunnel_unseen(tmp_path: Path) -> None:
    certificate = hostile.certificate(tmp_path, "localhost")
    async with hostile.serving(hostile.saying(OK), hostile.server_tls(certificate)) as address:
        gate = Gate(int(address.rpartition(":")[2]))
        tls = ssl.create_default_context(cafile=certificate)
        async with through(gate, tls=tls) as sender:
            exchange = await get(sender, "https://localhost/secret")

    assert (exchange.failure_reason, exchange.response_body) == (None, "ok")
    assert [head.split(b"\r\n")[0] for head in gate.heads] == [b"CONNECT localhost:443 HTTP/1.1"]
    assert b"secret" not in b"".join(gate.heads)


async def test_an_answer_of_the_proxy_that_comes_in_pieces_is_read_to_its_end(tmp_path: Path) -> None:
    certificate = hostile.certificate(tmp_path, "localhost")
    async with hostile.serving(hostile.saying(OK), hostile.server_tls(certificate)) as address:
        gate = Gate(int(address.rpartition(":")[2]), piece_bytes=7)
        tls = ssl.create_default_context(cafile=certificate)
        async with through(gate, tls=tls) as sender:
            exchange = await get(sender, "https://localhost/")

    assert (exchange.failure_reason, exchange.response_body) == (None, "ok")


async def test_the_certificate_is_held_against_the_targets_name(tmp_path: Path) -> None:
    certificate = hostile.certificate(tmp_path, "other.example")
    async with hostile.serving(hostile.saying(OK), hostile.server_tls(certificate)) as address:
        gate = Gate(int(address.rpartition(":")[2]))
        tls = ssl.create_default_context(cafile=certificate)
        async with through(gate, tls=tls) as sender:
            exchange = await get(sender, "https://localhost/")

    assert exchange.failure_reason is FailureReason.SSL_ERROR


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "https://169.254.169.254/", "http://[fd00::1]/"])
async def test_the_judge_comes_before_the_proxy(target: Target, url: str) -> None:
    gate = Gate(target.port)

    async with through(gate) as sender:
        exchange = await get(sender, url)

    assert exchange.failure_reason is FailureReason.BLOCKED_ADDRESS
    assert gate.heads == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 407 No\r\n\r\n", "The egress proxy answered with status 407."),
        (b"SSH-2.0-x\r\n\r\n", "The egress proxy did not answer in HTTP."),
        (b"HTTP/1.1 200 OK\r\n\r\nextra", "The egress proxy answered with status 200."),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20_000, "The egress proxy answered with status 200."),
    ],
)
async def test_a_proxy_that_opens_no_way_is_named(target: Target, answer: bytes, said: str) -> None:
    async with through(Gate(target.port, answer), "me:secret@") as sender:
        exchange = await get(sender, "https://localhost/")

    assert (exchange.failure_reason, exchange.error_message) == (FailureReason.CONNECTION_ERROR, said)


async def test_a_target_that_hangs_up_behind_the_proxy_is_named_as_itself() -> None:
    async def hang_up(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        return

    gate = Gate(0)
    async with hostile.serving(hang_up) as address, through(gate) as sender:
        gate.port = int(address.rpartition(":")[2])
        exchange = await get(sender, "https://localhost/")

    assert "closed the connection during the TLS handshake" in (exchange.error_message or "")


async def test_a_request_that_is_cancelled_leaves_no_tunnel_behind() -> None:
    gate = Gate(0)
    async with hostile.serving(hostile.silent) as address, through(gate) as sender:
        gate.port = int(address.rpartition(":")[2])
        for delay in range(40):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay / 10_000):
                    await get(sender, "https://localhost/")

        async def none_is_open() -> bool:
            return gate.open == 0

        await until(none_is_open)


def test_a_proxys_password_is_in_no_text_of_it() -> None:
    proxy = Proxy.at("http://me:secret@127.0.0.1:3128")

    assert "Basic" not in repr(proxy)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_away_is_named_without_its_password(scheme: str) -> None:
    proxy = Proxy.at(f"http://me:secret@127.0.0.1:{free_port()}")
    resolver = Resolver(Policy(LOOPBACK), look_up=lambda _name: ["127.0.0.1"])

    async with Sender(Policy(LOOPBACK), resolver=resolver, proxy=proxy) as sender:
        exchange = await get(sender, f"{scheme}://localhost/")

    assert exchange.error_message == "No connection to the egress proxy."


async def test_a_proxy_that_says_nothing_is_waited_for_no_longer_than_the_deadline() -> None:
    async with hostile.serving(hostile.silent) as address:
        resolver = Resolver(Policy(LOOPBACK), look_up=lambda _name: ["127.0.0.1"])
        proxy = Proxy.at(f"http://{address}")
        async with Sender(Policy(LOOPBACK), resolver=resolver, proxy=proxy) as sender:
            exchange = await get(sender, "https://localhost/", 0.3)

    assert exchange.failure_reason is FailureReason.TIMEOUT
    assert exchange.duration_ms < 5000


def unlooked_up(name: str) -> list[str]:
    raise AssertionError(f"{name} was looked up here")


async def test_a_proxy_that_looks_names_up_is_given_the_name(target: Target) -> None:
    gate = Gate(target.port)
    async with hostile.serving(gate) as address:
        resolver, proxy = (
            Resolver(Policy(), look_up=unlooked_up),
            Proxy.at(f"http://{address}", resolves=True),
        )
        async with Sender(Policy(), resolver=resolver, proxy=proxy) as sender:
            named = await get(sender, "http://a.example/")
            by_address = await get(sender, "http://127.0.0.1/")

    assert named.failure_reason is None
    assert by_address.failure_reason is FailureReason.BLOCKED_ADDRESS
    assert len(gate.heads) == 1


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize(
    ("mark", "told"),
    [
        (
            b"Proxy-Status: squid; error=connection_refused\r\n",
            "The egress proxy answered with status {} by itself",
        ),
        (b"X-Squid-Error: ERR_CONNECT_FAIL 111\r\n", "The egress proxy answered with status {} by itself"),
        (b"", "The egress proxy, or the target behind it, answered with status {}."),
    ],
)
async def test_a_gateways_error_is_told_as_the_proxys(status: int, mark: bytes, told: str) -> None:
    answer = b"HTTP/1.1 %d No\r\n%bContent-Length: 0\r\n\r\n" % (status, mark)
    resolver = Resolver(Policy(LOOPBACK), look_up=lambda _name: ["127.0.0.1"])
    async with (
        hostile.serving(hostile.saying(answer)) as address,
        Sender(Policy(LOOPBACK), resolver=resolver, proxy=Proxy.at(f"http://{address}")) as sender,
    ):
        exchange = await get(sender, "http://a.example/")

    assert exchange.response_status == status
    assert told.format(status) in (exchange.error_message or "")
    assert (exchange.failure_stage == "connect") is bool(mark)
