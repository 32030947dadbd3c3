"""Shared by the MCP tests: a gateway process, clients that call it, and examples to send."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from shared.security.caller import Caller
from shared.store.keyspace import Team
from tests.installation import free_port
from tests.poll import until
from tests.warm import starts

ERAS = ("legacy", "2026-07-28")
ADMIN = Caller(Team(1), frozenset({"admin"}))
CRON = {"name": "Health Check", "url": "https://api.example.com/health", "cron_expression": "*/5 * * * *"}
JOB = {"queue": "webhooks", "url": "https://api.example.com/sync"}
CLIENTS = Path(__file__).parents[2] / "clients"
PYTHON_BRIDGE = (
    sys.executable,
    "-c",
    f"import sys; sys.path.insert(0, {str(CLIENTS / 'mcp')!r}); from recuro_mcp.main import main; main()",
)
BRIDGES = {"python": PYTHON_BRIDGE, "node": ("node", str(CLIENTS / "npm" / "main.mjs"))}
"""How a host starts each of the two that do the same."""
Dial = Callable[..., AbstractAsyncContextManager[Client]]


def running(module: str) -> list[str]:
    """The command line that runs its `main`."""
    cold = [sys.executable, "-c", f"from {module} import main; main()"]
    return starts.command(cold, (module,), f"{module}:main", module)


class Gateway:
    """The gateway as its own process; its port stays the same over restarts."""

    def __init__(self, redis_url: str, **settings: str) -> None:
        self.port = free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.url = f"{self.origin}/mcp"
        self._env = {
            **os.environ,
            "RECURO_REDIS_URL": redis_url,
            "RECURO_MCP_PORT": str(self.port),
            "RECURO_LOG_LEVEL": "WARNING",
            **settings,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        self._process = subprocess.Popen(running("services.mcp.main"), env=self._env)

    async def start(self) -> None:
        self.launch()
        try:
            await until(self._answers, 180)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> int:
        """Its exit code after SIGTERM."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(60)

    def kill(self) -> None:
        """As a machine that fails."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(60)

    async def _answers(self) -> bool:
        try:
            async with httpx.AsyncClient() as http:
                return (await http.get(f"{self.origin}/healthz")).status_code == 200
        except httpx.TransportError:
            return False


@asynccontextmanager
async def over_http(url: str, token: str, era: str = ERAS[0]) -> AsyncIterator[Client]:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), mode=era) as client,
    ):
        yield client


def over_stdio(era: str = "auto", command: Sequence[str] = PYTHON_BRIDGE, **env: str) -> Client:
    return Client(
        StdioServerParameters(
            command=command[0], args=list(command[1:]), env={"PATH": os.environ["PATH"], **env}
        ),
        mode=era,
    )


def text(result: CallToolResult) -> str:
    """The text that the agent reads first."""
    first = result.content[0]
    assert first.type == "text"
    return first.text


def found(result: CallToolResult) -> dict[str, Any]:
    """The structured answer of a successful call."""
    assert not result.is_error, text(result)
    answer: dict[str, Any] = result.structured_content
    return answer
