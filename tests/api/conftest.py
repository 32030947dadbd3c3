"""The real server on a loopback port, in a thread of its own, for a whole test process."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from services.worker.intake.claims import Claims
from services.worker.work import Fail, Result
from shared.settings import Settings
from shared.store import keyspace
from tests import people
from tests.api import described
from tests.api.serving import serving
from tests.writes import BULK, CRON, INVITATION, JOB, PAST


@pytest.fixture(scope="session")
def api(server: EmbeddedServer) -> Iterator[str]:
    """The address of the API."""
    with serving(Settings(redis_url=server.url, api_port=0)) as address:
        yield address


@pytest.fixture
async def anonymous(api: str, redis: object) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token; Redis is empty."""
    async with _client(api) as client:
        yield client


@pytest.fixture
async def client(api: str, token: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of team 1 that may do everything."""
    async with _client(api, token) as client:
        yield client


@pytest.fixture
async def stranger(api: str, other_token: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of team 2."""
    async with _client(api, other_token) as client:
        yield client


@pytest.fixture
async def things(client: httpx.AsyncClient, redis: Redis) -> None:
    """One of each noun in team 1, each with the id 1."""
    await client.post("/api/crons", json=CRON)
    await client.post("/api/crons/1/run")
    worker = Claims(redis, keyspace.SHARDS[0], "w")
    await worker.finish([Result(work, Fail(), "", "", "timeout") for work in await worker.claim(1)])
    await client.post("/api/jobs", json=JOB)
    await client.post("/api/dead-letters/replay", json={"all": True})
    await client.post("/api/crons/1/backfill", json=PAST)
    await client.post(BULK.path, json=BULK.body)
    await client.post("/api/invitations", json=INVITATION)
    await people.join(redis, "one", 1)


def _client(api: str, token: str | None = None) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    # Without TLS there is nothing to verify, and reading the certificates costs more than a test.
    return httpx.AsyncClient(
        base_url=api, headers=headers, timeout=30, verify=False, event_hooks={"response": [described.check]}
    )
