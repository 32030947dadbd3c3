"""Libraries of releases that no longer run are deleted, and never the one in use."""

from redis.asyncio import Redis

from services.scheduler.releases import Releases
from shared.actions import jobs
from shared.schemas.jobs import JobCreate
from shared.store.keyspace import Team
from shared.store.transitions import functions
from shared.store.transitions.library import Library
from tests.calls import call_of

OTHER = "#!lua name=somebody_elses\nredis.register_function('theirs', function() return 1 end)"


async def libraries(redis: Redis) -> set[str]:
    return {one[1] for one in await redis.function_list()}  # type: ignore[misc]


async def test_a_library_of_another_release_goes_once_it_was_seen_for_long(redis: Redis, team: Team) -> None:
    old = Library(functions.library.body + "\n-- an older release")
    await functions.library.load(redis)
    await old.load(redis)
    await redis.function_load(OTHER, replace=True)  # type: ignore[misc]
    releases, another = Releases(redis), Releases(redis)
    await releases.forget()
    await another.forget()
    before = await libraries(redis)

    await releases.forget(kept_seconds=0)
    await another.forget(kept_seconds=0)

    assert old.name in before
    assert await libraries(redis) == {functions.library.name, "somebody_elses"}
    assert (
        await jobs.create(call_of(redis, team), JobCreate(queue="mail", url="https://a.example/"))
    ).id == 1


async def test_a_library_that_just_came_stays(redis: Redis) -> None:
    new = Library(functions.library.body + "\n-- a newer release")
    releases = Releases(redis)
    await releases.forget()
    await new.load(redis)

    await releases.forget()

    assert new.name in await libraries(redis)
