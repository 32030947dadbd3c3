"""How many connections there may be, and which of them gives way to a new one."""

import contextlib
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from shared.runtime.serving.bounds import Bounds
from shared.runtime.serving.connections import network_of
from tests.poll import until
from tests.runtime.wires import GET, HALF, Wire, serving, wire_to

SLOW = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
GO = b"GET /go HTTP/1.1\r\nHost: x\r\n\r\n"
ROOM_FOR = 20


@pytest.fixture
def port() -> Iterator[int]:
    with serving(Bounds(ROOM_FOR, 16)) as port:
        yield port


async def opened(stack: contextlib.AsyncExitStack, port: int, source: str, said: bytes) -> Wire:
    wire = await stack.enter_async_context(wire_to(port, source))
    await wire.send(said)
    return wire


@pytest.mark.parametrize("said", [b"", HALF, GET], ids=["silent", "half", "idle"])
async def test_the_oldest_that_waits_gives_way(port: int, said: bytes) -> None:
    async with contextlib.AsyncExitStack() as stack:
        waiting = []
        for number in range(3 * ROOM_FOR):
            wire = await opened(stack, port, f"127.0.0.{1 + number % 4}", said)
            if said == GET:
                assert (await wire.answer()).status == 200
            waiting.append(wire)

        async with wire_to(port, "127.0.0.9") as newcomer:
            await newcomer.send(GET)
            answer = await newcomer.answer()

        ended = [wire.reader.at_eof() for wire in waiting]

    assert answer.status == 200
    assert ended[: ROOM_FOR // 2] == [True] * (ROOM_FOR // 2)
    assert ended[-ROOM_FOR // 2 :] == [False] * (ROOM_FOR // 2)


async def test_an_address_with_many_gives_way_before_one_with_few(port: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        quiet = await opened(stack, port, "127.0.0.2", GET)
        assert (await quiet.answer()).status == 200
        for number in range(3 * ROOM_FOR):
            await opened(stack, port, "127.0.0.1", HALF)
            await opened(stack, port, f"127.0.0.{3 + number % 2}", HALF)

        await quiet.send(GET)
        answer = await quiet.answer()

    assert answer.status == 200


async def test_one_address_never_has_all_places(port: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(16):
            await opened(stack, port, "127.0.0.1", SLOW)

        refused = await (await opened(stack, port, "127.0.0.1", b"")).answer()
        other = await (await opened(stack, port, "127.0.0.2", GET)).answer()

    assert (refused.status, refused.headers["retry-after"]) == (503, "1")
    assert refused.body == {"error": "All connections are in use, try again"}
    assert other.status == 200


async def test_a_request_that_is_being_answered_is_not_cut_off(port: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        working = await opened(stack, port, "127.0.0.1", SLOW)
        for _ in range(2 * ROOM_FOR):
            await opened(stack, port, "127.0.0.1", HALF)
        await opened(stack, port, "127.0.0.1", GO)

        answer = await working.answer()

    assert answer.status == 200


async def test_places_come_back(port: int) -> None:
    for _ in range(2 * ROOM_FOR):
        async with wire_to(port) as wire:
            await wire.send(SLOW)

    async def is_served() -> bool:
        async with wire_to(port) as wire:
            await wire.send(GET)
            return (await wire.answer()).status == 200

    await until(is_served)


async def test_one_line_of_the_log_says_what_was_refused(port: int) -> None:
    with capture_logs() as logged:
        for _ in range(50):
            async with wire_to(port) as wire:
                await wire.send(b"no HTTP\r\n\r\n")
                assert (await wire.answer()).status == 400

        async def is_said() -> bool:
            return bool(logged)

        await until(is_said)

    lines = [line for line in logged if line["event"] == "connections_refused"]
    assert [set(line) for line in lines] == [{"event", "log_level", "malformed"}]
    assert lines[0]["malformed"] >= 1


async def test_the_log_names_no_reason_that_met_nobody(port: int) -> None:
    with capture_logs() as logged:
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(16):
                await opened(stack, port, "127.0.0.1", SLOW)
            refused = await opened(stack, port, "127.0.0.1", GET)
            assert (await refused.answer()).status == 503

            async def is_said() -> bool:
                return bool(logged)

            await until(is_said)

    (line,) = [line for line in logged if line["event"] == "connections_refused"]
    assert set(line) == {"event", "log_level", "full"}


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_a_network_of_ipv6_counts_as_one_address(host: str, network: str) -> None:
    assert network_of(host) == network
