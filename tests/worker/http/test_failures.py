"""Why a request failed is told with how far it came and a way out."""

import asyncio
import contextlib
import socket
import ssl
import warnings
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from services.worker.http.client import Sender
from services.worker.http.egress import Resolver
from services.worker.http.exchange import Exchange
from services.worker.http.outgoing import Outgoing
from shared.security.addresses import Policy
from tests import hostile
from tests.poll import best_of_three
from tests.target import Target

LOOPBACK = Policy((ip_network("127.0.0.0/8"),))


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


def resolver() -> Resolver:
    return Resolver(LOOPBACK, lambda _: ["127.0.0.1"])


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with Sender(LOOPBACK, resolver=resolver()) as opened:
        yield opened


def get(url: str, seconds: float = 5.0) -> Outgoing:
    return Outgoing("GET", url, {}, None, seconds)


def told(exchange: Exchange) -> tuple[str | None, str | None]:
    return exchange.failure_reason, exchange.failure_stage


@best_of_three
async def test_a_handshake_that_never_comes_is_told_as_that(sender: Sender) -> None:
    async with hostile.serving(hostile.silent) as address:
        exchange = await sender.send(get(f"https://{address}/", 0.2))

    assert told(exchange) == ("timeout", "tls")
    assert exchange.error_message == (
        f"{address} took the connection, but the TLS handshake did not end within 0.2 s; "
        "if it serves plain HTTP, let the url begin with http://."
    )


@pytest.mark.parametrize(
    ("behave", "stage", "did"),
    [
        (hostile.silent, "request", "answer"),
        (hostile.drip_head, "response", "finish its answer"),
        (hostile.drip_body, "response", "finish its answer"),
    ],
)
@best_of_three
async def test_a_request_that_is_never_answered_is_told_from_an_answer_that_never_ends(
    sender: Sender, behave: hostile.Behaviour, stage: str, did: str
) -> None:
    async with hostile.serving(behave) as address:
        exchange = await sender.send(get(f"http://{address}/", 0.2))

    assert told(exchange) == ("timeout", stage)
    assert exchange.error_message == f"The target did not {did} within 0.2 s."


@best_of_three
async def test_a_name_that_is_not_resolved_in_time_reached_nobody() -> None:
    held = asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(_: str) -> list[str]:
        asyncio.run_coroutine_threadsafe(held.wait(), loop).result(5)
        return ["127.0.0.1"]

    async with Sender(LOOPBACK, resolver=Resolver(LOOPBACK, slow)) as sender:
        exchange = await sender.send(get("http://slow.test/", 0.2))
        held.set()

    assert told(exchange) == ("timeout", "lookup")
    assert exchange.error_message == "slow.test was not resolved within 0.2 s."


async def test_https_to_a_port_of_http_says_so(sender: Sender, target: Target) -> None:
    exchange = await sender.send(get(target.url.replace("http:", "https:")))

    assert told(exchange) == ("ssl_error", "tls")
    assert "let the url begin with http://" in (exchange.error_message or "")


@pytest.mark.parametrize("is_polite", [True, False])
async def test_a_handshake_that_the_target_ends_is_told_as_that(sender: Sender, is_polite: bool) -> None:
    async def end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if is_polite:  # else what was not read makes it a reset
            await reader.read(65536)

    async with hostile.serving(end) as address:
        exchange = await sender.send(get(f"https://{address}/"))

    assert told(exchange) == ("connection_error", "tls")
    assert f"{address} closed the connection during the TLS handshake" in (exchange.error_message or "")
    assert exchange.sent is None


async def test_http_to_a_port_of_https_says_so(sender: Sender, tmp_path: Path) -> None:
    path = hostile.certificate(tmp_path, "good.test")

    async def alert(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """As OpenSSL's own server answers what is no handshake."""
        await reader.read(5)
        writer.write(b"\x15\x03\x01\x00\x02\x02\x46")

    async with hostile.serving(alert) as address:
        exchange = await sender.send(get(f"http://{address}/"))

    assert path.exists()
    assert told(exchange) == ("connection_error", "response")
    assert "let the url begin with https://" in (exchange.error_message or "")


async def test_a_port_of_http_2_only_says_so(sender: Sender, tmp_path: Path) -> None:
    path = hostile.certificate(tmp_path, "good.test")
    settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"

    async with hostile.serving(hostile.saying(settings)) as address:
        plain = await sender.send(get(f"http://{address}/"))
    tls = hostile.server_tls(path)
    tls.set_alpn_protocols(["h2"])
    async with (
        hostile.serving(hostile.saying(settings), tls) as address,
        Sender(LOOPBACK, resolver=resolver(), tls=ssl.create_default_context(cafile=path)) as trusting,
    ):
        encrypted = await trusting.send(get(f"https://{address.replace('127.0.0.1', 'good.test')}/"))

    for exchange in (plain, encrypted):
        assert told(exchange) == ("connection_error", "response")
        assert "speaks HTTP/2 only on this port" in (exchange.error_message or "")


def _refuse(server: socket.socket, tls: ssl.SSLContext) -> None:
    """A server's handshake in a thread of its own: asyncio's leaves without saying why."""
    link, _ = server.accept()
    with contextlib.suppress(ssl.SSLError, OSError), link:
        tls.wrap_socket(link, server_side=True)


async def test_a_target_that_wants_a_client_certificate_says_so(tmp_path: Path) -> None:
    path = hostile.certificate(tmp_path, "good.test")
    wanting = hostile.server_tls(path)
    wanting.verify_mode = ssl.CERT_REQUIRED
    wanting.load_verify_locations(path)
    trusting = ssl.create_default_context(cafile=path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        refusing = asyncio.create_task(asyncio.to_thread(_refuse, server, wanting))
        async with Sender(LOOPBACK, resolver=resolver(), tls=trusting) as sender:
            exchange = await sender.send(get(f"https://good.test:{server.getsockname()[1]}/"))
        await refusing

    assert told(exchange) == ("ssl_error", "tls")
    assert "wants a client certificate" in (exchange.error_message or "")


async def test_a_target_of_old_tls_only_says_so(sender: Sender, tmp_path: Path) -> None:
    old = hostile.server_tls(hostile.certificate(tmp_path, "good.test"))
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with socket.create_server(("127.0.0.1", 0)) as server:
        refusing = asyncio.create_task(asyncio.to_thread(_refuse, server, old))
        exchange = await sender.send(get(f"https://good.test:{server.getsockname()[1]}/"))
        await refusing

    assert told(exchange) == ("ssl_error", "tls")
    assert "let it take TLS 1.2" in (exchange.error_message or "")


async def test_an_issuer_that_is_not_known_is_told_with_what_to_set(sender: Sender, tmp_path: Path) -> None:
    with Target(tls=hostile.server_tls(hostile.certificate(tmp_path, "good.test"))) as target:
        exchange = await sender.send(get(target.url.replace("127.0.0.1", "good.test")))

    assert told(exchange) == ("ssl_error", "tls")
    assert "SSL_CERT_FILE" in (exchange.error_message or "")
    assert "intermediate" in (exchange.error_message or "")


async def test_the_ssl_cert_file_of_the_environment_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = hostile.certificate(tmp_path, "good.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with Target(tls=hostile.server_tls(path)) as target:
        async with Sender(LOOPBACK, resolver=resolver()) as sender:
            exchange = await sender.send(get(target.url.replace("127.0.0.1", "good.test")))

    assert exchange.failure_reason is None


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://name.test/", "http://169.254.169.254/"])
async def test_a_refusal_by_the_egress_policy_names_what_to_set(url: str) -> None:
    strict = Policy()
    async with Sender(strict, resolver=Resolver(strict, lambda _: ["10.0.0.7"])) as sender:
        exchange = await sender.send(get(url))

    assert told(exchange) == ("blocked_address", None)
    assert "RECURO_EGRESS_ALLOW" in (exchange.error_message or "")
