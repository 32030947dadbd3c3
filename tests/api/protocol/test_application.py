"""Errors become answers by the class that is nearest to theirs; what fails within an answer cuts it off."""

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from services.api.application import Application
from services.api.envelope import STATUS


class Child(LookupError):
    """Has no handler of its own."""


async def nearest(_request: Request, error: Exception) -> Response:
    return PlainTextResponse(f"LookupError: {error}", 404)


async def farther(_request: Request, _error: Exception) -> Response:
    return PlainTextResponse("Exception", 500)


async def raising(_request: Request) -> Response:
    raise Child("nothing there")


class HalfAnAnswer:
    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        scope[STATUS] = 200
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise Child("in the middle")


ROUTES = [Route("/raising", raising), Route("/half", HalfAnAnswer())]


async def sent(path: str, handlers: dict[Any, Any]) -> list[Message]:
    """What goes to the server; the error, if it is for the envelope, goes through."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", STATUS: 0}
    await Application(routes=ROUTES, exception_handlers=handlers)(scope, receive, send)
    return messages


async def test_the_handler_of_the_nearest_class_answers() -> None:
    start, body = await sent("/raising", {Exception: farther, LookupError: nearest})

    assert (start["status"], body["body"]) == (404, b"LookupError: nothing there")


async def test_what_nobody_handles_is_for_the_envelope() -> None:
    with pytest.raises(Child):
        await sent("/raising", {ZeroDivisionError: nearest})


async def test_what_fails_within_an_answer_gets_no_second_one() -> None:
    with pytest.raises(Child):
        await sent("/half", {LookupError: nearest})
