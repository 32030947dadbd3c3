"""The Redis of the compose file and of the manifests, started for real with the arguments given there."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as Unreachable

from services.cli import embedded
from tests.deploy.documents import STORE, Process, in_compose, in_kubernetes
from tests.poll import until

PASSWORD = "the password of the tests"
WANTED = {
    "appendonly": "yes",
    "appendfsync": "everysec",
    "latency-tracking": "no",
    "aof-use-rdb-preamble": "no",
    "save": "",
    "maxmemory-policy": "noeviction",
}


@pytest.fixture(params=[in_compose, in_kubernetes], ids=["compose", "kubernetes"])
def store(request: pytest.FixtureRequest) -> Process:
    processes: list[Process] = request.param()
    (found,) = (process for process in processes if process.name == STORE)
    return found


@pytest.fixture
def socket(store: Process, tmp_path: Path) -> Iterator[Path]:
    """Where a server listens that was started as it is in deploy/."""
    arguments = [each.replace("$(REDIS_PASSWORD)", PASSWORD) for each in store.arguments[1:]]
    argv = [embedded.find().path, "--port", "0", "--unixsocket", "s.sock", *arguments]
    with subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.DEVNULL) as server:
        yield tmp_path / "s.sock"
        server.terminate()


@pytest.fixture
async def client(store: Process, socket: Path) -> AsyncIterator[Redis]:
    password = PASSWORD if "--requirepass" in store.arguments else None
    async with Redis(unix_socket_path=str(socket), password=password, decode_responses=True) as client:
        yield client


async def test_it_keeps_a_log_and_never_evicts(client: Redis) -> None:
    async def answers() -> bool:
        try:
            return bool(await client.ping())
        except Unreachable:
            return False

    await until(answers)
    configured = await client.config_get()

    assert {name: configured[name] for name in WANTED} == WANTED
