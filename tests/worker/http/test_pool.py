"""Which connection a request goes out on: one of those kept, or a new one to a judged address."""

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from services.worker.http import pool
from services.worker.http.client import Sender
from services.worker.http.egress import Resolver
from services.worker.http.exchange import Exchange
from services.worker.http.outgoing import Outgoing
from services.worker.http.pool import Pool
from shared.schemas.runs import FailureReason
from shared.security.addresses import BlockedAddress, Policy
from shared.security.destinations import Destinations
from tests import hostile
from tests.hostile import HEAD, Talk
from tests.poll import until
from tests.target import Target

LOOPBACK = Policy((ip_network("127.0.0.0/8"),))
DESCRIPTORS = Path("/proc/self/fd")
OK = HEAD + b"Content-Length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    resolver = Resolver(LOOPBACK, lambda name: ["127.0.0.2", "127.0.0.1"])
    async with Sender(LOOPBACK, resolver=resolver) as opened:
        yield opened


async def post(sender: Sender, address: str, seconds: float = 5.0) -> Exchange:
    return await sender.send(Outgoing("POST", f"http://{address}/", {}, b"body", seconds))


async def nobody_is_on(talk: Talk) -> None:
    async def left() -> bool:
        return talk.open == 0

    await until(left)


def sockets() -> int:
    count = 0
    for link in DESCRIPTORS.iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since, by the target's thread
            count += str(link.readlink()).startswith("socket:")
    return count


async def as_few_sockets_as(before: int) -> None:
    async def closed() -> bool:
        return sockets() <= before

    await until(closed)


async def test_requests_one_after_another_share_a_connection(sender: Sender) -> None:
    talk = Talk(OK)
    async with hostile.serving(talk) as address:
        for _ in range(3):
            assert (await post(sender, address)).response_body == "ok"

    assert (len(talk.requests), talk.connections) == (3, 1)


async def test_requests_to_different_origins_do_not(sender: Sender) -> None:
    talk = Talk(OK)
    async with hostile.serving(talk) as address:
        for origin in (
            address,
            address.replace("127.0.0.1", "a.test"),
            address.replace("127.0.0.1", "b.test"),
        ):
            assert (await post(sender, origin)).failure_reason is None

    assert talk.connections == 3


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
        OK + b"garbage",
        OK + HEAD + b"Content-Length: 4\r\n\r\nevil",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r;\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: a\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: a\rb\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n%b\r\n" % (b"a" * 65536) * 17,
    ],
)
async def test_a_connection_in_doubt_is_closed_and_not_used_again(sender: Sender, answer: bytes) -> None:
    talk = Talk(answer)
    async with hostile.serving(talk) as address:
        exchanges = [await post(sender, address) for _ in range(2)]
        await nobody_is_on(talk)

    assert (len(talk.requests), talk.connections) == (2, 2)
    assert "evil" not in [exchange.response_body for exchange in exchanges]


@pytest.mark.parametrize("last_words", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"\r\n"])
async def test_a_kept_connection_that_speaks_or_ends_unasked_is_dropped_at_once(
    sender: Sender, last_words: bytes
) -> None:
    requests: list[bytes] = []
    ended = asyncio.Event()

    async def leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await hostile.request(reader))
        writer.write(OK)
        if len(requests) == 1:
            await answered.wait()
            if last_words:
                writer.write(last_words)
            else:
                writer.write_eof()
        await reader.read()
        ended.set()

    answered = asyncio.Event()
    async with hostile.serving(leaves) as address:
        await post(sender, address)
        answered.set()
        await asyncio.wait_for(ended.wait(), 30)
        second = await post(sender, address)

    assert second.response_body == "ok"
    assert len(requests) == 2


async def test_a_connection_is_kept_for_a_while_only(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "KEEPALIVE_SECONDS", 0.05)
    talk = Talk(OK)
    async with hostile.serving(talk) as address:
        await post(sender, address)
        await nobody_is_on(talk)
        await post(sender, address)

    assert talk.connections == 2


async def test_so_many_are_kept_and_the_oldest_goes_first(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "KEPT_CONNECTIONS", 1)
    first, second = Talk(OK), Talk(OK)
    async with hostile.serving(first) as one, hostile.serving(second) as other:
        await post(sender, one)
        await post(sender, other)
        await nobody_is_on(first)
        await post(sender, other)

    assert (first.connections, second.connections) == (1, 1)


async def test_a_cancelled_request_takes_its_connection_along(sender: Sender) -> None:
    talk = Talk(b"HTTP/1.1 100 Continue\r\n\r\n")
    async with hostile.serving(talk) as address:
        sending = asyncio.create_task(post(sender, address))

        async def arrived() -> bool:
            return len(talk.requests) == 1

        await until(arrived)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

        await nobody_is_on(talk)


async def test_a_sender_that_closes_leaves_no_connection_and_ends_what_is_under_way() -> None:
    answering, mute = Talk(OK), Talk(b"")
    async with hostile.serving(answering) as one, hostile.serving(mute) as other:
        async with Sender(LOOPBACK) as sender:
            await asyncio.gather(*(post(sender, one) for _ in range(5)))
            waiting = asyncio.create_task(post(sender, other))

            async def arrived() -> bool:
                return len(mute.requests) == 1

            await until(arrived)
        exchange = await waiting
        await nobody_is_on(answering)
        await nobody_is_on(mute)

    assert exchange.failure_reason is FailureReason.CONNECTION_ERROR


async def test_the_next_address_is_tried_if_one_takes_no_connection(sender: Sender) -> None:
    talk = Talk(OK)
    async with hostile.serving(talk) as address:
        exchange = await post(sender, address.replace("127.0.0.1", "two.test"))

    assert exchange.failure_reason is None
    assert len(talk.requests) == 1


@pytest.mark.parametrize("host", ["a.test", "127.0.0.1"])
async def test_a_socket_opens_to_judged_addresses_only_whatever_led_there(host: str) -> None:
    talk = Talk(OK)
    lenient = Resolver(LOOPBACK, lambda name: ["127.0.0.1"])
    strict = Pool(Policy(), lenient, ssl.create_default_context())
    async with hostile.serving(talk) as address:
        to = Destinations(LOOPBACK)(f"http://{address.replace('127.0.0.1', host)}/")

        with pytest.raises(BlockedAddress):
            await strict.dial(to, asyncio.get_running_loop().time() + 5)

    await strict.close()
    await lenient.close()
    assert talk.connections == 0


async def test_a_handshake_without_answer_ends_by_the_deadline(sender: Sender) -> None:
    ended = asyncio.Event()

    async def says_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        ended.set()

    async with hostile.serving(says_nothing) as address:
        exchange = await sender.send(Outgoing("GET", f"https://{address}/", {}, None, 0.2))
        await asyncio.wait_for(ended.wait(), 30)

    assert exchange.failure_reason is FailureReason.TIMEOUT
    assert exchange.duration_ms < 15_000


@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="counts the sockets of the process in /proc")
@pytest.mark.parametrize("secure", [True, False])
async def test_a_request_cancelled_at_any_moment_leaves_no_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, secure: bool
) -> None:
    monkeypatch.setattr(pool, "CLOSING_SECONDS", 30.0)
    path = hostile.certificate(tmp_path, "good.test")
    tls = ssl.create_default_context(cafile=path)
    resolver = Resolver(LOOPBACK, lambda name: ["127.0.0.1"])
    with Target(tls=hostile.server_tls(path) if secure else None) as target:
        before = sockets()
        call = Outgoing("GET", target.url.replace("127.0.0.1", "good.test"), {}, None, 5.0)
        async with Sender(LOOPBACK, resolver=resolver, tls=tls) as sender:
            for turns in range(30):
                sending = asyncio.create_task(sender.send(call))
                for _ in range(turns):
                    await asyncio.sleep(0)
                sending.cancel()
                await asyncio.wait([sending])
            began = time.monotonic()
        closed_in = time.monotonic() - began
        await as_few_sockets_as(before)

    assert closed_in < pool.CLOSING_SECONDS / 2


@pytest.mark.skipif(not DESCRIPTORS.exists(), reason="counts the sockets of the process in /proc")
async def test_handshakes_that_fail_leave_no_socket(sender: Sender, tmp_path: Path) -> None:
    path = hostile.certificate(tmp_path, "good.test")
    with Target(tls=hostile.server_tls(path)) as target:
        before = sockets()
        call = Outgoing("GET", target.url, {}, None, 5.0)
        refused = [await sender.send(call) for _ in range(10)]
        await as_few_sockets_as(before)

    assert {exchange.failure_reason for exchange in refused} == {FailureReason.SSL_ERROR}


async def test_a_connection_cancelled_just_when_it_was_made_is_not_waited_for() -> None:
    talk = Talk(OK)
    async with hostile.serving(talk) as address, Sender(LOOPBACK) as sender:
        assert sender._pool is not None
        sending = asyncio.create_task(post(sender, address))
        while not sender._pool._open:  # no public sign is as early: a turn later it is the sender's to close
            await asyncio.sleep(0)
        sending.cancel()
        await asyncio.wait([sending])

        assert not sender._pool._open


async def test_a_tls_connection_is_kept_too(tmp_path: Path) -> None:
    path = hostile.certificate(tmp_path, "good.test")
    resolver = Resolver(LOOPBACK, lambda name: ["127.0.0.1"])
    talk = Talk(OK)
    async with (
        Sender(LOOPBACK, resolver=resolver, tls=ssl.create_default_context(cafile=path)) as sender,
        hostile.serving(talk, hostile.server_tls(path)) as address,
    ):
        url = f"https://{address.replace('127.0.0.1', 'good.test.')}/"
        exchanges = [await sender.send(Outgoing("POST", url, {}, b"body", 5.0)) for _ in range(2)]

    assert [exchange.failure_reason for exchange in exchanges] == [None, None]
    assert (len(talk.requests), talk.connections) == (2, 1)


async def test_an_encrypted_connection_takes_the_room_of_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "KEPT_CONNECTIONS", pool.ENCRYPTED_WEIGHT)
    path = hostile.certificate(tmp_path, "good.test")
    resolver, encrypted, plain = Resolver(LOOPBACK, look_up=lambda _: ["127.0.0.1"]), Talk(OK), Talk(OK)
    async with (
        Sender(LOOPBACK, resolver=resolver, tls=ssl.create_default_context(cafile=path)) as sender,
        hostile.serving(encrypted, hostile.server_tls(path)) as secure,
        hostile.serving(plain) as address,
    ):
        await sender.send(Outgoing("POST", f"https://good.test:{secure.rpartition(':')[2]}/", {}, b"", 5))
        assert encrypted.open == 1
        await post(sender, address)
        await nobody_is_on(encrypted)
        await post(sender, address)

    assert (encrypted.connections, plain.connections) == (1, 1)
