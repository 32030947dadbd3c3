"""Real MCP clients of both eras: in process, and over HTTP to a gateway process."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest
from mcp import Client
from mcp_types import CallToolRequestParams, CallToolResult
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from services.mcp.server import Asked, Asker, Context, answer, build_for
from shared.security.addresses import Policy
from shared.security.admission import Admission
from shared.security.caller import Caller
from tests.conftest import LOOPBACK, VAULT
from tests.mcp.clients import ADMIN, BRIDGES, ERAS, Dial, Gateway


@pytest.fixture(params=ERAS)
def era(request: pytest.FixtureRequest) -> str:
    era: str = request.param
    return era


@pytest.fixture(params=BRIDGES)
def bridge(request: pytest.FixtureRequest) -> Sequence[str]:
    """The command of each bridge."""
    command = BRIDGES[request.param]
    if not shutil.which(command[0]):
        if os.environ.get("RECURO_TEST_ALL"):
            pytest.fail(f"{command[0]} is not installed, and RECURO_TEST_ALL asks for all tests")
        pytest.skip(f"{command[0]} is not installed")
    return command


@pytest.fixture
def dial(redis: Redis, era: str) -> Dial:
    """`dial()` opens a client of the server in this process, for the caller given or an admin of team 1."""

    def client(caller: Caller | None = ADMIN) -> Client:
        async def call(_ctx: Context, params: CallToolRequestParams) -> CallToolResult:
            return await answer(redis, Admission(Policy(LOOPBACK), VAULT), caller, params, Asked("agent-7"))

        return Client(build_for(call, lambda _ctx: Asker(caller)), mode=era)

    return client


@pytest.fixture
async def client(dial: Dial) -> AsyncIterator[Client]:
    async with dial() as client:
        yield client


@pytest.fixture(scope="session")
def gateways(server: EmbeddedServer) -> Iterator[list[Gateway]]:
    running: list[Gateway] = []
    yield running
    for gateway in running:
        gateway.stop()


@pytest.fixture
async def gateway(gateways: list[Gateway], server: EmbeddedServer) -> Gateway:
    """One gateway for all tests that do not stop it."""
    if not gateways:
        gateway = Gateway(server.url, RECURO_MCP_ALLOWED_HOSTS="recuro.example.com")
        await gateway.start()
        gateways.append(gateway)
    return gateways[0]
