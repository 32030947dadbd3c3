"""A gateway that is restarted under its bridge: a real one, and how long each call took."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import anyio
from mcp import Client
from mcp_types import CallToolResult

from services.cli.embedded import EmbeddedServer
from tests.mcp.clients import JOB, Gateway, found, over_stdio, text
from tests.poll import until

PROGRAM = "import sys; from services.mcp.main import main; print(flush=True); sys.stdin.read(1); main()"


@contextmanager
def prepared(redis_url: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A gateway that has loaded everything and waits for a byte, so that a restart lasts as a test wants."""
    settings = {"RECURO_REDIS_URL": redis_url, "RECURO_MCP_PORT": str(port), "RECURO_LOG_LEVEL": "WARNING"}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env={**os.environ, **settings}, stdin=pipe, stdout=pipe
    ) as process:
        assert process.stdout
        process.stdout.read(1)
        yield process
        process.terminate()


async def called(client: Client, name: str, **arguments: object) -> tuple[CallToolResult, float]:
    """What a call answered, and after how many seconds."""
    began = time.monotonic()
    result = await client.call_tool(name, arguments)
    return result, time.monotonic() - began


async def test_a_restart_of_two_seconds_passes_unseen(
    server: EmbeddedServer, token: str, bridge: Sequence[str]
) -> None:
    gateway = Gateway(server.url)
    await gateway.start()
    results: list[tuple[CallToolResult, float]] = []
    with prepared(server.url, gateway.port) as after:
        async with over_stdio(command=bridge, RECURO_MCP_URL=gateway.url, RECURO_API_TOKEN=token) as client:
            found(await client.call_tool("create-job", JOB))
            assert gateway.stop() == 0
            began = time.monotonic()

            async def call() -> None:
                results.append(await called(client, "list-jobs"))

            async def is_time() -> bool:
                return time.monotonic() - began > 1.5  # and it needs a moment to listen

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(call)
                await until(is_time)
                assert after.stdin
                after.stdin.write(b"\n")
                after.stdin.flush()

    ((result, seconds),) = results
    assert found(result)["total"] == 1
    assert 1.5 < seconds < 3


async def test_a_longer_one_is_an_error_within_three_seconds_that_says_that_nothing_was_done(
    server: EmbeddedServer, token: str, bridge: Sequence[str]
) -> None:
    gateway = Gateway(server.url)
    await gateway.start()
    async with over_stdio(command=bridge, RECURO_MCP_URL=gateway.url, RECURO_API_TOKEN=token) as client:
        found(await client.call_tool("create-job", JOB))
        assert gateway.stop() == 0

        result, seconds = await called(client, "create-job", **JOB)

    assert result.is_error
    assert "cannot be reached. Nothing was done. Is it running?" in text(result)
    assert seconds < 3


async def test_a_call_that_was_under_way_is_an_error_at_once_that_says_that_it_may_have_been_done(
    server: EmbeddedServer, token: str, bridge: Sequence[str]
) -> None:
    gateway = Gateway(server.url)
    await gateway.start()
    results: list[tuple[CallToolResult, float]] = []
    async with over_stdio(command=bridge, RECURO_MCP_URL=gateway.url, RECURO_API_TOKEN=token) as client:
        job = found(await client.call_tool("create-job", JOB))

        async def wait() -> None:
            results.append(await called(client, "get-job", id=job["id"], wait_seconds=30))

        async def has_begun() -> bool:
            return is_connected(gateway.port)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await until(has_begun)
            gateway.kill()

    ((result, seconds),) = results
    assert result.is_error
    assert "Outcome unknown: a tool that writes may have done so" in text(result)
    assert seconds < 3


def is_connected(port: int) -> bool:
    """Whether somebody is connected to the port of this machine (/proc/net/tcp: 01 is ESTABLISHED)."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)
