"""The phases of a request say where its time went, whether it ended well or not."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Iterable
from ipaddress import ip_network
from pathlib import Path

import pytest

from services.worker.http.client import Sender
from services.worker.http.egress import Resolver
from services.worker.http.exchange import Exchange
from services.worker.http.outgoing import Outgoing
from services.worker.http.phases import Phases
from services.worker.http.proxy import Proxy
from shared.security.addresses import Policy
from tests import hostile
from tests.hostile import HEAD, Talk
from tests.poll import Stalls, best_of_three, stalls
from tests.target import Target

LOOPBACK = Policy((ip_network("127.0.0.0/8"),))
OK = HEAD + b"Content-Length: 2\r\n\r\nok"
LATE_SECONDS = 0.2
LATE_MS = 150
"""What of it a phase has to show at least: the clocks of two threads are read at different moments."""


@pytest.fixture(params=[True, False], ids=["uvloop", "asyncio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with Sender(LOOPBACK, resolver=Resolver(LOOPBACK, lambda name: ["127.0.0.1"])) as opened:
        yield opened


def call(url: str, body: bytes | None = b"body", seconds: float = 5.0) -> Outgoing:
    return Outgoing("POST", url, {}, body, seconds)


def phases_of(exchange: Exchange) -> Phases:
    assert exchange.phases is not None
    times = [part for part in exchange.phases[:6] if part is not None]
    assert sum(times) == exchange.duration_ms
    return exchange.phases


def is_most(late: Stalls, most: int | None, *others: int | None) -> bool:
    """Whether that phase has what was late on purpose, and the others no more than the machine made them wait."""
    return (most or 0) >= LATE_MS and max(other or 0 for other in others) < LATE_MS + 1000 * late.total


def happened(phases: Phases) -> list[str]:
    return [name for name in Phases._fields[:6] if getattr(phases, name) is not None]


async def test_a_new_connection_has_phases_that_a_kept_one_has_not(sender: Sender) -> None:
    talk = Talk(OK)
    async with hostile.serving(talk) as address:
        port = address.rpartition(":")[2]
        first = phases_of(await sender.send(call(f"http://good.test:{port}/")))
        second = phases_of(await sender.send(call(f"http://good.test:{port}/")))

    assert talk.connections == 1
    assert happened(first) == ["dns", "connect", "sent", "first_byte", "body"]
    assert happened(second) == ["sent", "first_byte", "body"]
    assert (first.address, second.address) == ("127.0.0.1", "127.0.0.1")
    assert (first.is_kept, second.is_kept) == (False, True)


async def test_an_address_in_the_url_is_not_looked_up(sender: Sender, target: Target) -> None:
    phases = phases_of(await sender.send(call(target.url)))

    assert happened(phases) == ["connect", "sent", "first_byte", "body"]


@best_of_three
async def test_a_slow_look_up_is_the_dns(target: Target) -> None:
    is_asked, may_answer = threading.Event(), threading.Event()

    def look_up(name: str) -> Iterable[str]:
        is_asked.set()
        may_answer.wait(LATE_SECONDS)
        return ["127.0.0.1"]

    async with Sender(LOOPBACK, resolver=Resolver(LOOPBACK, look_up)) as sender, stalls() as late:
        phases = phases_of(await sender.send(call(f"http://slow.test:{target.port}/")))

    assert is_asked.is_set()
    assert is_most(late, phases.dns, phases.connect, phases.first_byte)


@best_of_three
async def test_a_slow_handshake_is_the_tls(tmp_path: Path) -> None:
    certificate = hostile.certificate(tmp_path, "good.test")
    resolver = Resolver(LOOPBACK, lambda name: ["127.0.0.1"])
    tls = ssl.create_default_context(cafile=certificate)
    async with (
        hostile.serving(Talk(OK), hostile.server_tls(certificate)) as address,
        hostile.serving(hostile.passing_on(address, LATE_SECONDS)) as slow,
        Sender(LOOPBACK, resolver=resolver, tls=tls) as sender,
        stalls() as late,
    ):
        url = f"https://{slow.replace('127.0.0.1', 'good.test')}/"
        first, second = phases_of(await sender.send(call(url))), phases_of(await sender.send(call(url)))

    assert happened(first) == ["dns", "connect", "tls", "sent", "first_byte", "body"]
    assert is_most(late, first.tls, first.connect, first.first_byte)
    assert happened(second) == ["sent", "first_byte", "body"]


@best_of_three
async def test_a_target_that_thinks_has_a_late_first_byte(sender: Sender, target: Target) -> None:
    target.answer_with(200, b"ok", delay=LATE_SECONDS)

    async with stalls() as late:
        phases = phases_of(await sender.send(call(target.url)))

    assert is_most(late, phases.first_byte, phases.sent, phases.body)


@best_of_three
async def test_a_body_that_drips_is_the_body(sender: Sender) -> None:
    async with hostile.serving(hostile.drip_body) as address, stalls() as late:
        phases = phases_of(await sender.send(call(f"http://{address}/", None, 1.0)))

    assert is_most(late, phases.body, phases.sent, phases.first_byte)


@pytest.mark.parametrize("secure", [False, True])
@best_of_three
async def test_a_target_that_does_not_read_has_the_sending_last(tmp_path: Path, secure: bool) -> None:
    certificate = hostile.certificate(tmp_path, "good.test")
    tls = ssl.create_default_context(cafile=certificate)
    resolver = Resolver(LOOPBACK, lambda name: ["127.0.0.1"])
    body = b"z" * 16 * 1024 * 1024
    async with (
        Sender(LOOPBACK, resolver=resolver, tls=tls) as sender,
        hostile.serving(hostile.deaf, hostile.server_tls(certificate) if secure else None) as address,
    ):
        url = f"{'https' if secure else 'http'}://{address.replace('127.0.0.1', 'good.test')}/"
        phases = phases_of(await sender.send(call(url, body, 1.5)))

    assert (phases.sent or 0) + (phases.first_byte or 0) >= LATE_MS
    if not secure:  # what is encrypted is taken as a whole
        assert phases.first_byte is None


async def test_a_long_request_is_sent_once_all_of_it_is_taken(sender: Sender) -> None:
    async with hostile.serving(Talk(OK)) as address:
        first = phases_of(await sender.send(call(f"http://{address}/", b"z" * 8 * 1024 * 1024)))
        second = phases_of(await sender.send(call(f"http://{address}/", b"z" * 8 * 1024 * 1024)))
        third = phases_of(await sender.send(call(f"http://{address}/")))

    assert [happened(each)[-3:] for each in (first, second, third)] == [["sent", "first_byte", "body"]] * 3
    assert third.is_kept


async def test_who_answers_before_it_has_read_all_has_waited_for_no_more(sender: Sender) -> None:
    refusal = hostile.saying(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    async with hostile.serving(refusal) as address:
        exchange = await sender.send(call(f"http://{address}/", b"z" * 8 * 1024 * 1024))

    assert exchange.response_status == 413
    assert phases_of(exchange).first_byte == 0


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://127.0.0.1:2/", ["connect"]),
        ("http://gone.test:2/", ["dns", "connect"]),
        ("http://nowhere.test/", ["dns"]),
        ("http://192.168.0.1/", []),
    ],
)
async def test_the_phases_end_where_the_request_did(url: str, parts: list[str]) -> None:
    def look_up(name: str) -> Iterable[str]:
        return ["127.0.0.1"] if name == "gone.test" else []

    async with Sender(LOOPBACK, resolver=Resolver(LOOPBACK, look_up)) as sender:
        exchange = await sender.send(call(url))

    assert exchange.failure_reason is not None
    assert (happened(phases_of(exchange)) if exchange.phases else []) == parts


async def test_a_request_that_could_not_be_one_has_no_phases(sender: Sender) -> None:
    exchange = await sender.send(call("ftp://127.0.0.1/"))

    assert exchange.phases is None


async def test_a_silent_target_is_waited_for_to_the_end(sender: Sender) -> None:
    async with hostile.serving(hostile.silent) as address:
        phases = phases_of(await sender.send(call(f"http://{address}/", seconds=1.5)))

    assert happened(phases) == ["connect", "sent", "first_byte"]
    assert (phases.first_byte or 0) >= LATE_MS


async def test_a_proxy_hides_the_address(target: Target) -> None:
    async with Sender(LOOPBACK, proxy=Proxy.at(target.url)) as sender:
        phases = phases_of(await sender.send(call("http://127.0.0.1:8099/")))

    assert happened(phases) == ["connect", "sent", "first_byte", "body"]
    assert phases.address == ""


async def test_after_a_lost_connection_the_phases_are_of_the_next(sender: Sender) -> None:
    async def answers_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hostile.request(reader)
        writer.write(OK)
        await hostile.request(reader)

    async with hostile.serving(answers_once) as address:
        get = Outgoing("GET", f"http://{address}/", {}, None, 5.0)
        await sender.send(get)
        exchange = await sender.send(get)

    assert exchange.response_status == 200
    assert exchange.phases is not None
    assert happened(exchange.phases) == ["connect", "sent", "first_byte", "body"]
    assert not exchange.phases.is_kept
