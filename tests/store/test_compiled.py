"""The Lua as it is shipped compiles: as a library, and as a script for a Redis that takes none.

The mutants do without this file: what finds out which places a test gets to needs one local of the 200 more.
"""

import pytest
from redis.asyncio import Redis

from shared.store.transitions import functions
from shared.store.transitions.library import file_of


async def test_the_library_loads(redis: Redis) -> None:
    await functions.library.load(redis)

    assert await redis.function_list(functions.library.name)  # type: ignore[misc]


@pytest.mark.parametrize("name", ["claim", "create_jobs_together"])
async def test_a_function_compiles_as_a_script(redis: Redis, name: str) -> None:
    assert await redis.script_load(functions.library.script(name, file_of(name).flags))
