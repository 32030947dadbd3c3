"""The way to Redis of one door alone, on which answers are lost; and all that Redis holds, to be compared."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from shared.store import account_keys
from shared.store.transitions import functions
from tests.faults.parts.proxy import Proxy


@contextmanager
def way_to(server: EmbeddedServer) -> Iterator[Proxy]:
    """A proxy before the server of the tests."""
    with Proxy(Path(unquote(server.url.removeprefix("unix://")))) as proxy:
        yield proxy


async def teach(redis: Redis) -> None:
    """Let Redis know the library: a call that it does not know writes nothing."""
    await functions.library.load(redis)


def on_the_wire(script: str) -> bytes:
    """How a call of the function is told from those of all others."""
    return f"{functions.Function(script).in_redis}\r\n".encode()


async def everything(redis: Redis) -> dict[str, Any]:
    """All keys with what they hold, but for those that a process writes beside the calls."""
    keys = set(await redis.keys("*")) - {account_keys.sealed(), account_keys.seals(), account_keys.probe()}
    keys -= {key for key in keys if key.startswith(account_keys.use(""))}
    return {key: await _content(redis, key) for key in sorted(keys)}


async def _content(redis: Redis, key: str) -> Any:
    """A hash and a set in an order of their own: Redis may move what they hold while they are only read."""
    match await redis.type(key):
        case "hash":
            return sorted((await redis.hgetall(key)).items())  # type: ignore[misc]
        case "set":
            return sorted(await redis.smembers(key))  # type: ignore[misc]
        case _:
            return await redis.dump(key)
