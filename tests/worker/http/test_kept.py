"""Kept connections: for how long, for what, and what happens when their server closes one just then."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from ipaddress import ip_network

import pytest

from services.worker.http import pool
from services.worker.http.client import Sender
from services.worker.http.egress import Resolver
from services.worker.http.exchange import Exchange
from services.worker.http.outgoing import Outgoing
from shared.schemas.runs import FailureReason
from shared.security.addresses import Policy
from shared.security.destinations import Origin
from tests import hostile
from tests.hostile import HEAD, Talk
from tests.installation import free_port
from tests.poll import best_of_three, in_time, stalls

LOOPBACK = Policy((ip_network("127.0.0.0/8"), ip_network("::1/128")))
OK = HEAD + b"Content-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with Sender(LOOPBACK) as opened:
        yield opened


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A server in the test's own hands, so that it can close a connection before anybody hears of it."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        server.setblocking(False)
        yield server


def call(method: str, address: str) -> Outgoing:
    return Outgoing(method, f"http://{address}/", {}, b"body", 30.0)


async def answered(server: socket.socket, sending: "asyncio.Task[Exchange]") -> tuple[socket.socket, bytes]:
    """Take a connection, read a request, answer it; the connection is still open."""
    loop = asyncio.get_running_loop()
    link, _ = await loop.sock_accept(server)
    request = await loop.sock_recv(link, 65536)
    await loop.sock_sendall(link, OK)
    assert (await sending).response_body == "ok"
    return link, request


async def kept(sender: Sender, server: socket.socket) -> tuple[socket.socket, str]:
    """The server's end of a connection that the sender keeps, and the address."""
    address = f"127.0.0.1:{server.getsockname()[1]}"
    link, _ = await answered(server, asyncio.create_task(sender.send(call("POST", address))))
    return link, address


def deaf_for_a_while(sender: Sender) -> Callable[[], None]:
    """Let the one kept connection hear nothing, as if its end were still on its way; call to end that."""
    assert sender._pool is not None
    (connection,) = sender._pool._kept
    assert connection._transport is not None
    connection._transport.pause_reading()
    return connection._transport.resume_reading


@pytest.mark.parametrize(("before", "after", "takes"), [(1.0, 30.0, 1.2), (1.0, 1.4, 9.0), (30.0, 0.3, 9.0)])
@best_of_three
async def test_each_request_on_a_connection_has_a_deadline_of_its_own(
    sender: Sender, listening: socket.socket, before: float, after: float, takes: float
) -> None:
    address = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    first = Outgoing("GET", address, {}, None, before)
    link, _ = await answered(listening, asyncio.create_task(sender.send(first)))
    loop = asyncio.get_running_loop()

    sending, began = asyncio.create_task(sender.send(first._replace(timeout_seconds=after))), loop.time()
    await loop.sock_recv(link, 65536)
    await asyncio.wait([sending], timeout=min(takes, 3.0))
    if not sending.done():
        await loop.sock_sendall(link, OK)
    exchange = await sending

    link.close()
    if takes < after:
        assert exchange.response_body == "ok"
    else:
        assert exchange.failure_reason == FailureReason.TIMEOUT
        in_time(loop.time() - began, takes, after - 0.01)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST", "PATCH"])
async def test_a_request_that_meets_a_closed_connection_goes_out_once_more(
    sender: Sender, listening: socket.socket, method: str
) -> None:
    link, address = await kept(sender, listening)
    hear_again = deaf_for_a_while(sender)

    link.close()
    sending = asyncio.create_task(sender.send(call(method, address)))
    asyncio.get_running_loop().call_later(0.02, hear_again)
    again, request = await answered(listening, sending)

    again.close()
    assert request.startswith(method.encode())
    assert request.endswith(b"body")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_an_idempotent_request_goes_out_once_more_even_if_it_was_read(
    sender: Sender, method: str
) -> None:
    heads: list[bytes] = []

    async def dies_at_the_second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in (OK, b"") if not heads else (OK,):
            heads.append(await hostile.request(reader))
            writer.write(answer)

    async with hostile.serving(dies_at_the_second) as address:
        exchanges = [await sender.send(call(method, address)) for _ in range(2)]

    assert [exchange.response_body for exchange in exchanges] == ["ok", "ok"]
    assert len(heads) == 3


async def test_a_post_that_was_read_before_a_reset_is_not_sent_again(
    sender: Sender, listening: socket.socket
) -> None:
    link, address = await kept(sender, listening)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)  # as after some exchanges

    sending = asyncio.create_task(sender.send(call("POST", address)))
    read = await asyncio.get_running_loop().sock_recv(link, 65536)
    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    link.close()  # a reset, which acknowledges nothing
    exchange = await sending

    assert read.endswith(b"body")
    assert (exchange.failure_reason, exchange.failure_stage) == ("connection_error", "request")
    with pytest.raises(BlockingIOError):
        listening.accept()


async def test_an_idempotent_request_is_not_sent_for_ever(sender: Sender) -> None:
    heads: list[bytes] = []

    async def dies(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await hostile.request(reader))
        if len(heads) == 1:
            writer.write(OK)
            heads.append(await hostile.request(reader))

    async with hostile.serving(dies) as address:
        await sender.send(call("GET", address))
        second = await sender.send(call("GET", address))

    assert (second.failure_reason, second.failure_stage) == ("connection_error", "request")
    assert len(heads) == 3


async def test_an_answer_that_began_is_never_asked_for_again(sender: Sender) -> None:
    heads: list[bytes] = []

    async def begins(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in (OK, b"HTTP/1.1 2"):
            heads.append(await hostile.request(reader))
            writer.write(answer)

    async with hostile.serving(begins) as address:
        await sender.send(call("GET", address))
        second = await sender.send(call("GET", address))

    assert (second.failure_reason, second.failure_stage) == ("connection_error", "response")
    assert len(heads) == 2


@pytest.mark.parametrize(
    ("hint", "seconds"),
    [
        (b"", 15.0),
        (b"Keep-Alive: timeout=5, max=100\r\n", 4.0),
        (b'keep-alive: max=7, Timeout = "2"\r\n', 1.0),
        (b"Keep-Alive: timeout=1\r\n", 0.5),
        (b"Keep-Alive: timeout=3600\r\n", 15.0),
        (b"Keep-Alive: 300\r\n", 15.0),
        (b"Keep-Alive: timeout=0\r\n", None),
        (b"Keep-Alive: timeout=5, max=0\r\n", None),
    ],
)
async def test_a_connection_is_kept_as_long_as_its_server_says_less_a_margin(
    sender: Sender, hint: bytes, seconds: float | None
) -> None:
    async with hostile.serving(Talk(HEAD + hint + b"Content-Length: 2\r\n\r\nok")) as address:
        await sender.send(call("POST", address))
        assert sender._pool is not None
        found = [round(one.kept_until - one.kept_at, 3) for one in sender._pool._kept]

    assert found == ([] if seconds is None else [seconds])


@pytest.mark.parametrize(
    ("method", "hint", "connections"),
    [
        ("POST", b"", 2),
        ("PATCH", b"", 2),
        ("GET", b"", 1),
        ("DELETE", b"", 1),
        ("POST", b"Keep-Alive: timeout=5\r\n", 1),
    ],
)
async def test_without_a_hint_what_must_not_be_repeated_takes_a_fresh_connection_after_a_while(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, method: str, hint: bytes, connections: int
) -> None:
    monkeypatch.setattr(pool, "UNHINTED_SECONDS", 0.0)
    talk = Talk(HEAD + hint + b"Content-Length: 2\r\n\r\nok")
    async with hostile.serving(talk) as address:
        for _ in range(2):
            assert (await sender.send(call(method, address))).response_body == "ok"

    assert talk.connections == connections


async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers one request, and closes as soon as another comes, or nothing does for a while."""
    await hostile.request_head(reader)
    await reader.readexactly(4)
    writer.write(OK)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            await reader.read(1)


async def test_of_a_server_that_closes_early_only_the_first_is_lost(sender: Sender) -> None:
    async with hostile.serving(closing) as address:
        found = [(await sender.send(call("POST", address))).failure_reason for _ in range(20)]

    assert found == [None, FailureReason.CONNECTION_ERROR, *[None] * 18]


async def test_none_is_lost_where_the_end_is_seen_first(sender: Sender) -> None:
    async with hostile.serving(closing) as address:
        found = [(await sender.send(call("POST", address))).failure_reason]
        assert sender._pool is not None
        (kept,) = sender._pool._kept
        await asyncio.wait_for(kept.lost, 10)
        found += [(await sender.send(call("POST", address))).failure_reason for _ in range(20)]

    assert found == [None] * 21


@pytest.mark.parametrize(("seconds", "connections"), [(60.0, 4), (0.0, 1)])
async def test_it_is_remembered_for_a_while_and_of_what_may_be_repeated_never(
    sender: Sender, monkeypatch: pytest.MonkeyPatch, seconds: float, connections: int
) -> None:
    monkeypatch.setattr(pool, "EARLY_SECONDS", seconds)
    talk = Talk(OK)
    async with hostile.serving(talk) as address:
        await sender.send(call("POST", address))
        assert sender._pool is not None
        (kept,) = sender._pool._kept
        sender._pool.note_early(kept.origin)
        for method in ("POST", "GET", "POST", "POST"):
            await sender.send(call(method, address))

    assert talk.connections == connections


async def test_an_end_that_the_server_had_said_is_not_early(sender: Sender) -> None:
    async with hostile.serving(
        Talk(HEAD + b"Keep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok")
    ) as address:
        await sender.send(call("POST", address))
        assert sender._pool is not None
        (kept,) = sender._pool._kept
        kept.kept_until = 0.0  # as once its half second is over

        await sender.send(call("POST", address))

    assert sender._pool._early == {}


async def test_no_more_origins_than_a_thousand_are_remembered(sender: Sender) -> None:
    origins = [Origin("http", f"{number}.example.com", 80) for number in range(1002)]
    assert sender._pool is not None

    for origin in origins:
        sender._pool.note_early(origin)

    assert [*sender._pool._early] == origins[2:]


@pytest.fixture
def black_hole() -> Iterator[int]:
    """A port of ::1 and 127.0.0.2 that drops whoever wants to connect, as a firewall does."""
    with socket.socket(socket.AF_INET6) as six, socket.socket() as four:
        port = free_port()
        six.bind(("::1", port))
        four.bind(("127.0.0.2", port))
        waiting = []
        for server in (six, four):
            server.listen(0)
            for _ in range(2):  # more than its queue holds
                waiting.append(socket.socket(server.family))
                waiting[-1].setblocking(False)
                waiting[-1].connect_ex(server.getsockname()[:2])
        yield port
        for link in waiting:
            link.close()


@pytest.mark.parametrize("dead", [["::1"], ["::1", "127.0.0.2"]])
@best_of_three
async def test_a_dead_address_costs_a_quarter_of_a_second(black_hole: int, dead: list[str]) -> None:
    resolver = Resolver(LOOPBACK, lambda _: [*dead, "127.0.0.1"])
    talk = Talk(OK)
    async with (
        hostile.serving(talk, port=black_hole),
        Sender(LOOPBACK, resolver=resolver) as sender,
        stalls() as late,
    ):
        exchange = await sender.send(call("POST", f"two.test:{black_hole}"))

    assert (exchange.response_body, talk.connections) == ("ok", 1)
    in_time(exchange.duration_ms, 250 * len(dead) + 700 + 1000 * late.total)


@best_of_three
async def test_a_connect_that_is_swallowed_is_told_as_that(sender: Sender, black_hole: int) -> None:
    exchange = await sender.send(call("POST", f"127.0.0.2:{black_hole}")._replace(timeout_seconds=0.2))

    assert (exchange.failure_reason, exchange.failure_stage) == ("timeout", "connect")
    assert exchange.error_message == (
        f"No connection to 127.0.0.2:{black_hole} within 0.2 s: it answers nothing, or a firewall drops it."
    )
