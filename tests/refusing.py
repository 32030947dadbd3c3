"""A Redis that refuses some commands for a while, as after an operator has changed its ACL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis


@asynccontextmanager
async def denying(redis: Redis, *commands: str) -> AsyncIterator[None]:
    """Nobody may use these commands until the block ends."""
    denied = [f"-{command}" for command in commands]
    await redis.execute_command("ACL", "SETUSER", "default", *denied)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        await redis.execute_command("ACL", "SETUSER", "default", "+@all")  # type: ignore[no-untyped-call]
