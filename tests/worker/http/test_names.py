"""Names are looked up by real DNS, as resolv.conf says, and a silent server costs no thread."""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from services.worker.http import names
from services.worker.http.egress import OF_A_TEAM, NameNotFound, NoPlace, Resolver
from services.worker.http.names import Names
from shared.security.addresses import Policy
from tests.poll import best_of_three, in_time, until

A, CNAME, AAAA = 1, 5, 28
TRUNCATED, ANSWER, UNKNOWN = 0x8380, 0x8180, 0x8183
HOSTILE, QUIET = 1, 2
SILENCE_SECONDS = 4.0
"""How long a silent name is waited for: who is delayed by one is so for most of it."""


class Dns(asyncio.DatagramProtocol):
    """A server of ours, over UDP and TCP on one port of loopback; it is silent of names with `silent`."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, asker: tuple[str, int]) -> None:
        if answer := self.answer(data, is_udp=True):
            self._transport.sendto(answer, asker)

    async def over_tcp(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        answer = self.answer(await reader.readexactly(length), is_udp=False) or b""
        writer.write(struct.pack("!H", len(answer)) + answer)
        writer.close()

    def answer(self, query: bytes, *, is_udp: bool) -> bytes | None:
        name, kind, end = _question(query)
        self.asked.append((name, kind))
        if "silent" in name:
            return None
        flags, rows = ANSWER, list[bytes]()
        if name.startswith("large") and is_udp:
            flags = TRUNCATED
        elif name.startswith("unknown"):
            flags = UNKNOWN
        elif name.startswith("alias"):
            rows = [_row(CNAME, b"\x05other\xc0\x12"), _row(A, socket.inet_aton("93.184.216.34"))]
            rows[1] = b"\x05other\x04test\x00" + rows[1][2:]
        elif kind == A:
            rows = [_row(A, socket.inet_aton("93.184.216.34"))]
        elif kind == AAAA and name.startswith("both"):
            rows = [_row(AAAA, socket.inet_pton(socket.AF_INET6, "2606:4700::1"))]
        head = struct.pack("!HHHHHH", int.from_bytes(query[:2]), flags, 1, len(rows), 0, 0)
        return head + query[12:end] + b"".join(rows)


def _question(query: bytes) -> tuple[str, int, int]:
    labels, at = [], 12
    while length := query[at]:
        labels.append(query[at + 1 : at + 1 + length].decode().lower())
        at += length + 1
    return ".".join(labels), int.from_bytes(query[at + 1 : at + 3]), at + 5


def _row(kind: int, data: bytes) -> bytes:
    return struct.pack("!HHHLH", 0xC00C, kind, 1, 60, len(data)) + data


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Dns, str]]:
    dns, loop = Dns(), asyncio.get_running_loop()
    server = await asyncio.start_server(dns.over_tcp, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await loop.create_datagram_endpoint(lambda: dns, ("127.0.0.1", port))
    try:
        yield dns, f"127.0.0.1:{port}"
    finally:
        transport.close()
        server.close()


@asynccontextmanager
async def looking_up(server: str) -> AsyncIterator[Names]:
    found = Names(servers=[server])
    try:
        yield found
    finally:
        await found.close()


@asynccontextmanager
async def resolving(server: str, seconds: float) -> AsyncIterator[Resolver]:
    resolver = Resolver(Policy(), seconds=seconds)
    resolver._names = Names(servers=[server])
    try:
        yield resolver
    finally:
        await resolver.close()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("plain.test", ["93.184.216.34"]),
        ("both.test", ["93.184.216.34", "2606:4700::1"]),
        ("alias.test", ["93.184.216.34"]),
        ("large.test", ["93.184.216.34"]),
    ],
)
async def test_a_name_has_the_addresses_of_its_dns(name: str, found: list[str]) -> None:
    async with serving() as (_, server), looking_up(server) as resolver:
        addresses = await resolver.look_up(name)

    assert set(addresses) == set(found)


async def test_a_name_that_is_unknown_or_whose_dns_is_silent_is_told_apart() -> None:
    async with serving() as (_, server), looking_up(server) as resolver:
        # A system with other sources, as mDNS, is asked too, and says so in its own words.
        with pytest.raises(OSError, match=r"not (found|known)"):
            await resolver.look_up("unknown.test")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(resolver.look_up("silent.test"), 20)


async def test_a_search_list_and_ndots_are_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here by way of the environment, which says them as resolv.conf does."""
    monkeypatch.setenv("LOCALDOMAIN", "default.svc.cluster.local")
    monkeypatch.setenv("RES_OPTIONS", "ndots:5")
    async with serving() as (dns, server), looking_up(server) as resolver:
        await resolver.look_up("api.shop")

    assert {name for name, _ in dns.asked} == {"api.shop.default.svc.cluster.local"}


async def test_names_of_the_hosts_file_are_known() -> None:
    async with serving() as (dns, server), looking_up(server) as resolver:
        found = await resolver.look_up("localhost")

    assert found == names.of_system("localhost")
    assert not dns.asked


async def test_sources_that_only_the_system_knows_are_asked_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch = tmp_path / "nsswitch.conf"
    switch.write_text("passwd: files\nhosts: files mdns4_minimal [NOTFOUND=return] dns\n")
    monkeypatch.setattr(names, "NSSWITCH", switch)
    monkeypatch.setattr(names, "of_system", lambda name: ["192.168.1.7"] if name == "unknown.test" else [])
    async with serving() as (_, server), looking_up(server) as resolver:
        found = await resolver.look_up("unknown.test")

    assert found == ["192.168.1.7"]


@best_of_three
async def test_silent_names_of_one_team_do_not_delay_those_of_another() -> None:
    async with serving() as (_, server), resolving(server, SILENCE_SECONDS) as resolver:
        threads = threading.active_count()
        silent = [
            asyncio.create_task(resolver.addresses(f"silent-{number}.test", HOSTILE)) for number in range(200)
        ]
        await asyncio.sleep(0)
        took = []
        for number in range(20):
            began = time.monotonic()
            assert await resolver.addresses(f"quiet-{number}.test", QUIET)
            took.append(time.monotonic() - began)
        more = threading.active_count() - threads
        ended = await asyncio.gather(*silent, return_exceptions=True)

    in_time(max(took), SILENCE_SECONDS - 1)
    assert more <= 0
    assert sum(isinstance(one, NameNotFound) for one in ended) == OF_A_TEAM
    assert sum(isinstance(one, NoPlace) for one in ended) == 200 - OF_A_TEAM


@best_of_three
async def test_a_place_that_is_free_again_goes_to_who_waits() -> None:
    async with serving() as (_, server), resolving(server, 0.2) as resolver:
        silent = [
            asyncio.create_task(resolver.addresses(f"silent-{number}.test", HOSTILE))
            for number in range(OF_A_TEAM)
        ]
        await asyncio.sleep(0)
        found = await resolver.addresses("plain.test", HOSTILE)
        await asyncio.gather(*silent, return_exceptions=True)

    assert found
    await until(lambda: _is_idle(resolver))


async def _is_idle(resolver: Resolver) -> bool:
    return not resolver._running and not resolver._shares._taken
