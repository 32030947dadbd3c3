"""A real HTTP server in its own thread that answers as told and keeps what it was sent."""

import asyncio
import base64
import gc
import ssl
import threading
import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import uvloop
from aiohttp import web
from multidict import CIMultiDict


@dataclass(frozen=True, slots=True)
class Received:
    """One request: `path` with its query, `headers` looked up in any case, `at` in monotonic seconds."""

    method: str
    path: str
    headers: CIMultiDict[str]
    body: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer; `delay` is seconds of waiting before it."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    is_echo: bool = False
    """Say what came: in the body, in a header and where a redirect would lead."""


class Target:
    """`with Target() as target:` serves at `target.url`, 200 and an empty body until told otherwise."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.port = 0
        self._tls = tls
        self._answer = Answer()
        self._answers: dict[str, Answer] = {}
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="target", daemon=True)

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def answer_with(
        self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None, delay: float = 0.0
    ) -> None:
        """From now on answer this wherever `answer` does not say otherwise."""
        self._answer = Answer(status, body, headers or {}, delay)

    def answer(
        self, path: str, status: int, body: bytes = b"", *, delay: float = 0.0, **headers: str
    ) -> None:
        """From now on answer this at `path` (without query); headers as keywords, `retry_after="5"`."""
        named = {name.replace("_", "-").title(): value for name, value in headers.items()}
        self._answers[path] = Answer(status, body, named, delay)

    def echo(self, path: str, status: int) -> None:
        """From now on answer at `path` with what was asked there, as many a debugging endpoint does."""
        self._answers[path] = Answer(status, is_echo=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(30)
        assert self.port, "the target did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        if self._tls:
            # asyncio leaves the handshakes unclosed that were under way, to be found by some later test.
            with warnings.catch_warnings(action="ignore", category=ResourceWarning):
                gc.collect()

    def _run(self) -> None:
        try:
            # uvloop keeps the transport of a handshake that failed, and its server then never closes.
            factory = asyncio.new_event_loop if self._tls else uvloop.new_event_loop
            with asyncio.Runner(loop_factory=factory) as runner:
                runner.run(self._serve())
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = web.Server(self._receive, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024, ssl_context=self._tls).start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _receive(self, request: web.BaseRequest) -> web.StreamResponse:
        at = time.monotonic()
        body = await request.content.read()  # request.read() would refuse more than 1 MiB
        self.received.append(
            Received(request.method, request.path_qs, CIMultiDict(request.headers), body, at)
        )
        answer = self._answers.get(request.path, self._answer)
        if answer.delay:
            await asyncio.sleep(answer.delay)
        if answer.is_echo:
            return _echo(request, answer.status)
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)


def _echo(request: web.BaseRequest, status: int) -> web.Response:
    given = dict(request.headers)
    packed = base64.b64encode(given.get("X-Api-Key", "").encode()).decode()
    said = {"you": request.path_qs, "sent": given, "packed": packed}
    location = f"http://b.example/?{urlencode(given)}"
    headers = {"Location": location, "X-Echo": given.get("Cookie", "none")}
    return web.json_response(said, status=status, headers=headers)
