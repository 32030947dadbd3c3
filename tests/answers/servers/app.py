"""What a server behind or before which there is Python says, as an ASGI and as a WSGI application."""

import os
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NamedTuple

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

TEXT = b"hello " * 400
ETAG = '"one"'


class Said(NamedTuple):
    """An answer; more than one part goes out in chunks."""

    status: int
    headers: list[tuple[str, str]]
    parts: list[bytes]


def noted(key: str, body: bytes) -> Said:
    """A line for each request, in one write, so that lines stay whole."""
    with open(os.environ["NOTES"], "ab", buffering=0) as notes:
        notes.write(key.encode() + b" " + body + b"\n")
    return Said(200, [("content-length", "5")], [b"noted"])


def said(path: str, condition: str, body: bytes) -> Said:
    """By path; `condition` is the If-None-Match that came."""
    plain = ("content-type", "text/plain")
    match path:
        case "/echo":
            return Said(200, [plain, ("content-length", str(len(body)))], [body])
        case "/chunked":
            return Said(200, [plain], [b"one ", b"two ", body])
        case "/empty":
            return Said(204, [], [])
        case "/moved":
            return Said(302, [("location", "/page.txt"), ("content-length", "0")], [])
        case "/large":
            many = [(f"x-many-{number}", "a" * 1000) for number in range(70)]
            return Said(200, [*many, ("content-length", "2")], [b"ok"])
        case "/page.txt" if condition == ETAG:
            return Said(304, [("etag", ETAG)], [])
        case "/page.txt":
            return Said(200, [plain, ("etag", ETAG), ("content-length", str(len(TEXT)))], [TEXT])
    return Said(404, [("content-length", "0")], [])


async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
    """For uvicorn and hypercorn."""
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])  # this is how an application says that it has no lifespan
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    sent = dict(scope["headers"])
    condition, key = (sent.get(name, b"").decode() for name in (b"if-none-match", b"idempotency-key"))
    path = scope["path"]
    status, headers, parts = noted(key, body) if path == "/note" else said(path, condition, body)
    pairs = [(name.encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def wsgi(
    environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], Any]
) -> Iterable[bytes]:
    """For gunicorn."""
    body = environ["wsgi.input"].read()
    condition, key = (environ.get(f"HTTP_{name}", "") for name in ("IF_NONE_MATCH", "IDEMPOTENCY_KEY"))
    path = environ["PATH_INFO"]
    status, headers, parts = noted(key, body) if path == "/note" else said(path, condition, body)
    start_response(f"{status} Said", headers)
    return parts
