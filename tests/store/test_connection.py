import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.actions import jobs
from shared.schemas.jobs import JobCreate, JobQuery
from shared.settings import Settings
from shared.store import connection, transitions
from shared.store.connection import AWAY, AnswerLost, OutcomeUnknown
from shared.store.keyspace import Team
from shared.store.transitions import Setting
from tests.calls import call_of
from tests.installation import free_port
from tests.poll import best_of_three, in_time, until

JOB = JobCreate(queue="mail", url="https://a.example")


@pytest.mark.parametrize("is_library_known", [True, False])
async def test_a_redis_that_refuses_writes_counts_as_away_and_can_still_be_read(
    redis: Redis, team: Team, is_library_known: bool
) -> None:
    await jobs.create(call_of(redis, team), JOB)
    if not is_library_known:
        await redis.function_flush()  # type: ignore[misc]
    await redis.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(AWAY):
            await jobs.create(call_of(redis, team), JOB)
        assert (await jobs.page(redis, team, JobQuery())).total == 1
    finally:
        await redis.config_set("min-replicas-to-write", 0)


@pytest.mark.parametrize("is_library_known", [True, False])
async def test_out_of_memory_refuses_a_job_whole_and_leaves_reads_and_deletes(
    redis: Redis, team: Team, is_library_known: bool
) -> None:
    made = await jobs.create(call_of(redis, team), JOB)
    if not is_library_known:  # as after an upgrade
        await redis.function_flush()  # type: ignore[misc]
    await redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(AWAY):
            await jobs.create(call_of(redis, team), JOB)
        assert (await jobs.page(redis, team, JobQuery())).total == 1
        await jobs.delete(call_of(redis, team), made.id)
    finally:
        await redis.config_set("maxmemory", 0)
    assert (await jobs.page(redis, team, JobQuery())).total == 0


async def test_a_connection_that_the_server_closed_is_replaced(redis: Redis, settings: Settings) -> None:
    mine = connection.connect(settings)
    me: int = await mine.client_id()
    await redis.client_kill_filter(_id=str(me))

    async def is_noticed() -> bool:
        now: int = await mine.client_id()
        return now != me

    await until(is_noticed)
    await mine.aclose()


@asynccontextmanager
async def a_server(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """The URL of one that answers whatever `serve` does, until it returns."""
    sockets = open_sockets()

    async def to_its_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(reader, writer)
        writer.transport.abort()

    async def none_is_left() -> bool:
        return open_sockets() == sockets

    async with await asyncio.start_server(to_its_end, "127.0.0.1", 0) as server:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await until(none_is_left)


def open_sockets() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one() -> None:
    """A command after that would get the answer to the one before it, for ever."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while line := await reader.readline():
            parts = [(await reader.readline(), await reader.readline())[1] for _ in range(int(line[1:]))]
            writer.write(b"+" + parts[1] if parts[0] == b"GET\r\n" else b"+OK\r\n")

    async with a_server(serve) as url:
        mine, other = (connection.connect(Settings(redis_url=url)) for _ in range(2))
        assert await mine.get("one") == "one"
        writers[0].write(b"+one again\r\n")
        await other.get("it has arrived meanwhile")

        assert await mine.get("two") == "two"
        assert len(writers) == 3
        await mine.aclose()
        await other.aclose()


async def test_a_server_that_takes_nothing_more_is_away() -> None:
    gave_up = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"+OK\r\n" * 2)  # to the two commands that a client begins with
        await gave_up.wait()

    async with a_server(serve) as url:
        mine = connection.connect(Settings(redis_url=url))
        with pytest.raises(RedisTimeoutError, match="writing"):
            await mine.set("big", "x" * 50_000_000)
        gave_up.set()
        await mine.aclose()


@best_of_three
async def test_each_command_is_waited_for_as_long_as_any_other() -> None:
    """One timer watches many waits: it must end none that began later than it."""
    loop, answered = asyncio.get_running_loop(), asyncio.Event()
    patience = connection.PATIENCE_SECONDS

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETED)
        while data := await reader.read(65_536):
            if b"slow" in data:
                await answered.wait()
            if b"GET" in data and b"never" not in data:
                writer.write(b"+it\r\n")

    async def after(moment: float, done: asyncio.Event | None = None) -> None:
        async def is_over() -> bool:
            return loop.time() >= moment

        await until(is_over)
        if done:
            done.set()

    async with a_server(serve) as url:
        mine = connection.connect(Settings(redis_url=url))
        assert await mine.get("quick") == "it"
        began = loop.time()
        await after(began + patience / 2)
        letting = asyncio.create_task(after(began + patience * 1.2, answered))
        assert await mine.get("slow") == "it"
        await letting

        last = loop.time()
        with pytest.raises(AnswerLost, match="Timeout"):
            await mine.get("never")
        in_time(loop.time() - last, 3 * patience, patience)
        await mine.aclose()


GREETED = b"+OK\r\n" * 2
"""To the two commands that a client begins with."""
LOADING = b"-LOADING Redis is loading the dataset in memory\r\n"


def after_greeting(*said: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Greet, read a command, say this and go."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETED)
        while b"thing" not in await reader.read(65_536):
            pass
        writer.writelines(said)
        await writer.drain()

    return serve


@pytest.mark.parametrize(("said", "is_lost"), [((), True), ((b"$9\r\nhalf",), True), ((LOADING,), False)])
async def test_a_command_without_an_answer_is_told_from_one_that_was_refused(
    said: tuple[bytes, ...], is_lost: bool
) -> None:
    async with a_server(after_greeting(*said)) as url:
        mine = connection.connect(Settings(redis_url=url))
        with pytest.raises(AWAY) as raised:
            await mine.get("thing")
        await mine.aclose()

    assert isinstance(raised.value, AnswerLost) == is_lost


async def test_a_command_that_met_nobody_never_left() -> None:
    mine = connection.connect(Settings(redis_url=f"redis://127.0.0.1:{free_port()}"))

    with pytest.raises(AWAY) as raised:
        await mine.get("thing")

    assert not isinstance(raised.value, AnswerLost)


async def test_a_greeting_without_an_answer_is_no_command_that_left() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    async with a_server(serve) as url:
        mine = connection.connect(Settings(redis_url=url))
        with pytest.raises(AWAY) as raised:
            await mine.get("thing")
        await mine.aclose()

    assert not isinstance(raised.value, AnswerLost)


@pytest.mark.parametrize(
    ("transition", "is_unknown"),
    [
        (lambda redis, team: transitions.set_team(redis, team, [Setting("thing", 1)]), True),
        (lambda redis, team: transitions.page(redis, team, ["thing"], offset=0, count=1), False),
    ],
    ids=["a write", "a read"],
)
async def test_only_the_outcome_of_a_write_is_unknown(
    transition: Callable[[Redis, Team], Awaitable[object]], is_unknown: bool
) -> None:
    async with a_server(after_greeting()) as url:
        mine = connection.connect(Settings(redis_url=url))
        with pytest.raises(AnswerLost) as raised:
            await transition(mine, Team(1))
        await mine.aclose()

    assert isinstance(raised.value, OutcomeUnknown) == is_unknown
