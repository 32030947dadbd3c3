"""The clients beside ours: each is asked for every row, on a connection of its own, and says what it made of it."""

import asyncio
import json
import os
import ssl
import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import aiohttp
import httpx
import uvloop

from tests.answers import ours
from tests.answers.curl import curl
from tests.answers.rows import Row
from tests.answers.server import Server
from tests.answers.verdicts import Verdict

SECONDS = 5.0
AT_ONCE = 4
FETCH = Path(__file__).with_name("fetch.mjs")


def _curl(server: Server, rows: Sequence[Row], options: Sequence[str] = ()) -> list[Verdict]:
    trusting = ("--cacert", str(server.certificate), *options)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        return [*threads.map(lambda row: curl(server.url(row), trusting, _body(row)), rows)]


def _httpx(server: Server, rows: Sequence[Row]) -> list[Verdict]:
    tls = ssl.create_default_context(cafile=str(server.certificate))

    def ask(row: Row) -> Verdict:
        status = None
        try:
            with (
                httpx.Client(verify=tls, trust_env=False, timeout=SECONDS) as client,
                client.stream(_method(row), server.url(row), content=_body(row)) as answer,
            ):
                status = answer.status_code
                return Verdict(status, answer.read().decode("latin-1"))
        except Exception as error:  # whatever a client raises is its verdict
            return Verdict(status, "", _said(error))

    return [ask(row) for row in rows]


def _aiohttp(server: Server, rows: Sequence[Row]) -> list[Verdict]:
    tls = ssl.create_default_context(cafile=str(server.certificate))
    timeout = aiohttp.ClientTimeout(total=SECONDS)

    async def ask(row: Row) -> Verdict:
        status = None
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.request(
                    _method(row), server.url(row), data=_body(row), ssl=tls, allow_redirects=False
                ) as answer,
            ):
                status = answer.status
                return Verdict(status, (await answer.read()).decode("latin-1"))
        except Exception as error:  # whatever a client raises is its verdict
            return Verdict(status, "", _said(error))

    async def ask_all() -> list[Verdict]:
        return [await ask(row) for row in rows]

    return asyncio.run(ask_all())


def _fetch(server: Server, rows: Sequence[Row]) -> list[Verdict]:
    asked = json.dumps([{"url": server.url(row), "upload": row.upload} for row in rows])
    command = ["node", "--use-openssl-ca", str(FETCH)]
    environment = {**os.environ, "SSL_CERT_FILE": str(server.certificate)}
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True, env=environment)
    return [Verdict(**verdict) for verdict in json.loads(done.stdout)["verdicts"]]


def _ours(server: Server, rows: Sequence[Row]) -> list[Verdict]:
    async def ask(row: Row) -> Verdict:
        async with ours.sender(server.certificate) as sender:
            return ours.verdict(await sender.send(ours.request(row, server.url(row))))

    async def ask_all() -> list[Verdict]:
        return [await ask(row) for row in rows]

    return uvloop.run(ask_all())


# fmt: off
CLIENTS: dict[str, Callable[[Server, Sequence[Row]], list[Verdict]]] = {
    "curl":              _curl,
    "curl --compressed": partial(_curl, options=("--compressed",)),
    "httpx":             _httpx,
    "aiohttp":           _aiohttp,
    "node fetch":        _fetch,
    "ours":              _ours,
}
# fmt: on


def versions() -> str:
    """Of the clients beside ours, as they ran."""
    curl, node = (
        subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout.split()
        for command in (["curl"], ["node"])
    )
    return f"curl {curl[1]}, httpx {httpx.__version__}, aiohttp {aiohttp.__version__}, node {node[0]}"


def _method(row: Row) -> str:
    return "POST" if row.upload else "GET"


def _body(row: Row) -> bytes | None:
    return bytes(row.upload) if row.upload else None


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
