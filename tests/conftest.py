"""A real Redis a test process, a real HTTP target; nothing of ours is mocked."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from redis.asyncio import Redis

from services.cli import embedded
from services.worker.notices.mail import Mailer
from shared.security import tokens
from shared.settings import Settings
from shared.store import connection
from shared.store.keyspace import Team
from tests import calls
from tests.target import Target
from tests.truth.planned import planned_agree

KEY = os.environ["RECURO_ENCRYPTION_KEY"] = calls.KEY  # processes have it too
VAULT = calls.VAULT
MAILER = Mailer(Settings())

# httpcore looks for it at every request, in vain, along the whole path of imports.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

PATIENCE_SECONDS = 30.0
"""What a test waits for Redis beside the patience of our services, for a machine or a disk that holds it up."""
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.EmbeddedServer]:
    """A Redis of this process alone: the wheel's, or what RECURO_REDIS_SERVER names."""
    folder: Path = tmp_path_factory.mktemp("redis")
    running = embedded.start(folder)
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def settings(server: embedded.EmbeddedServer) -> Settings:
    return Settings(redis_url=server.url, egress_allow=LOOPBACK, api_port=0, mcp_port=0)


@pytest.fixture
async def redis(settings: Settings, request: pytest.FixtureRequest) -> AsyncIterator[Redis]:
    async with connection.connect(settings, blocking_seconds=PATIENCE_SECONDS) as client:
        await client.flushall()
        yield client
        if not request.node.get_closest_marker("writes_records"):
            await planned_agree(client)


@pytest.fixture
def team() -> Team:
    return Team(1)


@pytest.fixture
async def token(redis: Redis) -> str:
    return await tokens.create(redis, team="one", name="test", scopes=("admin",))


@pytest.fixture
async def other_token(redis: Redis, token: str) -> str:
    return await tokens.create(redis, team="two", name="test", scopes=("admin",))


@pytest.fixture
def target() -> Iterator[Target]:
    with Target() as running:
        yield running
