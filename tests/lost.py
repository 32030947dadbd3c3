"""The way to Redis of one door alone, on which answers are lost; and all that Redis holds, to be compared."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from shared import scripts
from tests.faults.proxy import Proxy


@contextmanager
def way_to(server: EmbeddedServer) -> Iterator[Proxy]:
    """A proxy before the server of the tests."""
    with Proxy(Path(unquote(server.url.removeprefix("unix://")))) as proxy:
        yield proxy


async def teach(redis: Redis) -> None:
    """Let Redis know every script: the first call of one that it does not know writes nothing."""
    for script in vars(scripts).values():
        if isinstance(script, scripts.Script):
            await redis.script_load(script.text)


def digest(script: str) -> bytes:
    """By which a script is found on the wire."""
    found: scripts.Script = getattr(scripts, script)
    return found.digest.encode()


async def everything(redis: Redis) -> dict[str, bytes]:
    """All keys with what they hold."""
    return {key: await redis.dump(key) for key in sorted(await redis.keys("*"))}
