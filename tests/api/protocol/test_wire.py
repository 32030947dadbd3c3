"""What only shows on the wire: bodies that are too large, and how connections go on."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

MEBIBYTE = 1_048_576


@dataclass(frozen=True, slots=True)
class Wire:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next answer."""
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 30)).decode("latin-1")
        status, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return int(status.split()[1]), headers, await self.reader.readexactly(int(headers["content-length"]))


@contextlib.asynccontextmanager
async def wire_to(api: str) -> AsyncIterator[Wire]:
    address = urlsplit(api)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


def head_of(token: str, *headers: str, method: str = "POST") -> bytes:
    lines = [f"{method} /api/jobs HTTP/1.1", "Host: x", f"Authorization: Bearer {token}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def test_two_mebibytes_are_refused_and_the_connection_goes_on(api: str, token: str) -> None:
    async with wire_to(api) as wire:
        await wire.send(head_of(token, f"Content-Length: {2 * MEBIBYTE}") + b" " * (2 * MEBIBYTE))
        refused = await wire.answer()
        await wire.send(head_of(token, method="GET"))
        next_one = await wire.answer()

    assert refused[0] == 413
    assert json.loads(refused[2]) == {"error": "The body must not be larger than 1 MiB"}
    assert refused[1]["x-request-id"]
    assert next_one[0] == 200


async def test_a_body_announced_as_too_large_is_refused_before_it_is_sent(api: str, token: str) -> None:
    async with wire_to(api) as wire:
        await wire.send(head_of(token, f"Content-Length: {MEBIBYTE + 1}", "Expect: 100-continue"))
        status, _, _ = await wire.answer()

    assert status == 413


async def test_an_endless_chunked_body_is_cut_off(api: str, token: str) -> None:
    chunk = b"%x\r\n%b\r\n" % (65_536, b" " * 65_536)

    async with wire_to(api) as wire:
        await wire.send(head_of(token, "Transfer-Encoding: chunked"))
        for _ in range(16):
            await wire.send(chunk)
        await wire.send(b"1\r\n \r\n")  # no more than is read: a reset would overtake the answer
        status, headers, _ = await wire.answer()
        rest = await asyncio.wait_for(wire.reader.read(), 30)

    assert (status, headers["connection"], rest) == (413, "close", b"")


async def test_a_mebibyte_to_the_byte_is_read(api: str, token: str) -> None:
    job = b'{"queue":"mail","url":"https://example.com"}'.ljust(MEBIBYTE)

    async with wire_to(api) as wire:
        await wire.send(head_of(token, f"Content-Length: {MEBIBYTE}") + job)
        status, _, _ = await wire.answer()

    assert status == 201


async def test_blanks_at_the_end_of_a_key_are_not_part_of_it(api: str, token: str) -> None:
    job = b'{"queue":"mail","url":"https://example.com"}'

    async with wire_to(api) as wire:
        answers = []
        for key in ("order-7", "order-7 ", "order-7 \t"):
            await wire.send(head_of(token, f"Content-Length: {len(job)}", f"Idempotency-Key: {key}") + job)
            answers.append(await wire.answer())

    assert [status for status, _, _ in answers] == [201] * 3
    assert len({json.loads(body)["job_id"] for _, _, body in answers}) == 1


async def test_a_chunked_body_is_put_together(api: str, token: str) -> None:
    parts = [b'{"queue":"ma', b'il","url":"https://', b'example.com"}']
    body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)

    async with wire_to(api) as wire:
        await wire.send(head_of(token, "Transfer-Encoding: chunked") + body + b"0\r\n\r\n")
        status, _, _ = await wire.answer()

    assert status == 201


async def test_without_a_token_the_body_is_not_waited_for(api: str, token: str) -> None:
    async with wire_to(api) as wire:
        await wire.send(b"POST /api/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
        status, _, _ = await wire.answer()

    assert status == 401


async def test_bad_json_leaves_the_connection_usable(api: str, token: str) -> None:
    async with wire_to(api) as wire:
        await wire.send(head_of(token, "Content-Length: 4") + b"nope")
        bad = await wire.answer()
        await wire.send(head_of(token, "Content-Length: 2") + b"{}")
        empty = await wire.answer()

    assert (bad[0], empty[0]) == (400, 422)


async def test_a_client_that_hangs_up_harms_nobody(api: str, token: str) -> None:
    async with wire_to(api) as wire:
        await wire.send(head_of(token, "Content-Length: 100") + b"{")

    async with httpx.AsyncClient(base_url=api, timeout=30) as client:
        assert (await client.get("/healthz")).status_code == 200


async def test_the_server_does_not_say_what_it_is(api: str, token: str) -> None:
    async with wire_to(api) as wire:
        await wire.send(head_of(token, method="GET"))
        _, headers, _ = await wire.answer()

    assert "server" not in headers
