"""Targets that misbehave on the wire, each a real socket server, and the certificates of some."""

import asyncio
import contextlib
import gzip
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

DRIP_SECONDS = 0.02


@asynccontextmanager
async def serving(behave: Behaviour, tls: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[str]:
    """Serve on a port of 127.0.0.1, yield `127.0.0.1:port`, and end every connection on the way out."""
    open_now: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_now.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await behave(reader, writer)
        writer.close()
        open_now.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", port, ssl=tls)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tuple(open_now):
            task.cancel()
        await asyncio.gather(*open_now, return_exceptions=True)


async def request_head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


def saying(*parts: bytes, every: float = 0.0, endlessly: bool = False) -> Behaviour:
    """Read the request and write the parts; `endlessly`: the last one `every` so many seconds again."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_head(reader)
        for part in parts:
            writer.write(part)
        while endlessly:
            await writer.drain()
            await asyncio.sleep(every)
            writer.write(parts[-1])
        await writer.drain()

    return behave


async def request(reader: asyncio.StreamReader) -> bytes:
    """One request, head and body."""
    head = await request_head(reader)
    length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
    return head + await reader.readexactly(int(length[1]) if length else 0)


@dataclass
class Talk:
    """Answers every request of a connection with the same bytes, and counts."""

    answer: bytes
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: int = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while True:
                self.requests.append(await request(reader))
                writer.write(self.answer)
        finally:
            self.open -= 1


def passing_on(address: str, after: float) -> Behaviour:
    """Take a connection at once, and lead it to the address after so many seconds."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65_536):
            writer.write(chunk)
        writer.close()

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(after)
        host, _, port = address.partition(":")
        there, to = await asyncio.open_connection(host, int(port))
        await asyncio.gather(pump(reader, to), pump(there, writer))

    return behave


async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reads nothing and says nothing."""
    await asyncio.Event().wait()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


HEAD = b"HTTP/1.1 200 OK\r\n"

drip_head = saying(HEAD, b"X-Drop: 1\r\n", every=DRIP_SECONDS, endlessly=True)
drip_body = saying(HEAD + b"Content-Length: 100000\r\n\r\n", b"a", every=DRIP_SECONDS, endlessly=True)
endless_body = saying(
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"z" * 65536 + b"\r\n", endlessly=True
)
endless_interim = saying(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", every=0.001, endlessly=True)
long_header = saying(HEAD + b"X-Long: ", b"a" * 65536, endlessly=True)
cut_head = saying(HEAD)
cut_body = saying(HEAD + b"Content-Length: 100\r\n\r\nabc")
not_http = saying(b"SSH-2.0-secret\r\n\r\n")
smuggled = saying(HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")


def gzip_bomb(size: int) -> Behaviour:
    """A small answer that says it holds `size` bytes; no POST may be lost on a connection that ends with it."""
    bomb = gzip.compress(bytes(size))
    head = b"Connection: close\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    return saying(HEAD + head + bomb)


def certificate(folder: Path, name: str, *, days: int = 30) -> Path:
    """A self-signed certificate for `name`, with its key, ending in `days`; negative: has ended."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / f"{name}{days}.pem"
    path.write_bytes(signed.public_bytes(pem) + private)
    return path


def server_tls(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
