"""Three Redis servers of our own as one Redis Cluster, each with a third of the slots."""

import contextlib
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot
from redis.exceptions import ConnectionError as RedisConnectionError

from services.cli import embedded
from services.cli.leash import leashed
from shared.store import keyspace
from tests.installation import free_port
from tests.poll import until

NODES = 3
_SLOTS_EACH = REDIS_CLUSTER_HASH_SLOTS // NODES + 1


def node_of(shard: str) -> int:
    """Which of the three servers has the shard's keys, by its number."""
    return key_slot(keyspace.prefix(shard).encode()) // _SLOTS_EACH


@contextlib.asynccontextmanager
async def running_cluster(folder: Path) -> AsyncIterator[RedisCluster]:
    """A client of three new servers, which end with the block."""
    ports = [free_port() for _ in range(NODES)]
    with contextlib.ExitStack() as servers:
        for port in ports:
            servers.enter_context(_server(folder / str(port), port))
        await _join(ports)
        client = RedisCluster(host="127.0.0.1", port=ports[0], decode_responses=True)
        async with contextlib.aclosing(client):
            yield client


@contextlib.contextmanager
def _server(folder: Path, port: int) -> Iterator[None]:
    folder.mkdir()
    of_cluster = {"enabled": "yes", "port": str(free_port()), "config-file": "nodes.conf"}
    options = {"bind": "127.0.0.1", "port": str(port), "dir": str(folder), "save": "", "logfile": "redis.log"}
    options |= {f"cluster-{name}": value for name, value in of_cluster.items()}
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    command = leashed([embedded.find().path, *words], death_signal=signal.SIGTERM)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(embedded.STOP_SECONDS)


async def _join(ports: Sequence[int]) -> None:
    async with contextlib.AsyncExitStack() as clients:
        nodes = [await clients.enter_async_context(Redis(port=port, decode_responses=True)) for port in ports]
        for node in nodes:
            await until(lambda node=node: _answers(node))  # type: ignore[misc]
        for number, node in enumerate(nodes):
            first = number * _SLOTS_EACH
            last = min(first + _SLOTS_EACH, REDIS_CLUSTER_HASH_SLOTS) - 1
            await node.execute_command("CLUSTER ADDSLOTSRANGE", first, last)  # type: ignore[no-untyped-call]
        bus = [(await node.config_get("cluster-port"))["cluster-port"] for node in nodes]
        for port, bus_port in zip(ports[1:], bus[1:], strict=True):
            await nodes[0].execute_command("CLUSTER MEET", "127.0.0.1", port, bus_port)  # type: ignore[no-untyped-call]
        for node in nodes:
            await until(lambda node=node: _is_whole(node))  # type: ignore[misc]


async def _answers(node: Redis) -> bool:
    try:
        return bool(await node.ping())
    except RedisConnectionError:
        return False


async def _is_whole(node: Redis) -> bool:
    info = await node.execute_command("CLUSTER INFO")  # type: ignore[no-untyped-call]
    return info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) == NODES
