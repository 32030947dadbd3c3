"""The id of a request, in its answer and log lines: the `X-Request-Id` that it came with, or a new one."""

import re
import secrets

from starlette.types import Message, Scope, Send

HEADER = b"x-request-id"
_KEY = "recuro.request_id"
_SANE = re.compile(rb"[A-Za-z0-9._~:/+=@-]{1,128}")


def give(scope: Scope) -> bytes:
    """The request's id, which `of` returns from then on."""
    sane = (value for name, value in scope["headers"] if name == HEADER and _SANE.fullmatch(value))
    request_id = bytes(next(sane, b"")) or secrets.token_hex(16).encode()
    scope[_KEY] = request_id.decode()
    return request_id


def of(scope: Scope) -> str:
    """The id that the request was given."""
    request_id: str = scope[_KEY]
    return request_id


def echoed(send: Send, request_id: bytes) -> Send:
    """`send`, with the id among the headers of the answer."""

    async def send_with_id(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (HEADER, request_id)]
        await send(message)

    return send_with_id
