"""docs/backup.md, done as it says: with the commands of the page, on real servers."""

import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from services.cli import embedded
from services.cli.embedded import CannotStart, EmbeddedServer
from tests.poll import until

PAGE = (Path(__file__).parents[2] / "docs" / "backup.md").read_text()
LOG_PART, SNAPSHOT_PART = PAGE.split("## A snapshot")
KEPT = {"job": "kept"}


def commands(part: str) -> list[list[str]]:
    """The redis-cli commands of the page that change something, in order."""
    typed = re.findall(r"\$ redis-cli (.*)", part)
    return [line.split("#")[0].split() for line in typed if "|" not in line]


async def is_written(redis: Redis) -> None:
    async def no_rewrite() -> bool:
        facts = await redis.info("persistence")
        return not facts["aof_rewrite_in_progress"] and not facts.get("aof_rewrite_scheduled")

    await until(no_rewrite)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[EmbeddedServer]:
    server = embedded.start(tmp_path / "data")
    yield server
    server.stop()


@asynccontextmanager
async def without_log(folder: Path) -> AsyncIterator[Redis]:
    """A server that is started once without its log, as step 2 of the page has it."""
    address = folder / "once.sock"
    options = ["--dir", str(folder), "--appendonly", "no", "--port", "0", "--unixsocket", str(address)]
    process = subprocess.Popen([embedded.find().path, *options], stdout=subprocess.DEVNULL)
    try:
        async with Redis(unix_socket_path=str(address), decode_responses=True) as redis:

            async def answers() -> bool:
                try:
                    return bool(await redis.ping())
                except RedisConnectionError:
                    return False

            await until(answers)
            yield redis
    finally:
        process.terminate()
        process.wait(60)


async def restored(folder: Path) -> dict[str, str]:
    server = embedded.start(folder)
    try:
        async with Redis.from_url(server.url, decode_responses=True) as redis:
            return dict(await redis.hgetall("r:{s0}:j:1:1"))
    finally:
        server.stop()


async def test_a_copy_of_the_log_that_was_made_while_it_ran_works(
    tmp_path: Path, running: EmbeddedServer
) -> None:
    forbid, allow = commands(LOG_PART)
    async with Redis.from_url(running.url, decode_responses=True) as redis:
        await redis.hset("r:{s0}:j:1:1", mapping=KEPT)
        await redis.bgrewriteaof()
        await redis.execute_command(*forbid)
        await is_written(redis)

        shutil.copytree(running.data_dir / "appendonlydir", tmp_path / "restored" / "appendonlydir")
        await redis.execute_command(*allow)

    assert await restored(tmp_path / "restored") == KEPT


async def test_a_copy_that_ends_in_the_middle_of_a_command_works(
    tmp_path: Path, running: EmbeddedServer
) -> None:
    async with Redis.from_url(running.url) as redis:
        await redis.hset("r:{s0}:j:1:1", mapping=KEPT)
        await redis.set("last", "cut")
    running.stop()
    (log,) = (running.data_dir / "appendonlydir").glob("*.incr.aof")

    log.write_bytes(log.read_bytes()[:-5])

    assert await restored(running.data_dir) == KEPT


async def test_a_snapshot_becomes_a_log_by_the_steps_of_the_page(
    tmp_path: Path, running: EmbeddedServer
) -> None:
    async with Redis.from_url(running.url) as redis:
        await redis.hset("r:{s0}:j:1:1", mapping=KEPT)
        await redis.save()
    folder = tmp_path / "restored"
    folder.mkdir()
    shutil.copy(running.data_dir / "dump.rdb", folder)

    async with without_log(folder) as redis:
        for command in commands(SNAPSHOT_PART)[:-1]:
            await redis.execute_command(*command)  # type: ignore[no-untyped-call]
        await is_written(redis)
    (folder / "dump.rdb").unlink()

    assert commands(SNAPSHOT_PART)[-1] == ["SHUTDOWN"]
    assert await restored(folder) == KEPT


def test_a_snapshot_without_a_log_is_no_start_from_nothing(tmp_path: Path) -> None:
    (tmp_path / "dump.rdb").write_bytes(b"REDIS0011")

    with pytest.raises(CannotStart, match=r"dump\.rdb lies there.*start empty.*docs/backup\.md"):
        embedded.start(tmp_path)


async def test_a_server_with_a_log_takes_no_snapshot(running: EmbeddedServer, tmp_path: Path) -> None:
    async with Redis.from_url(running.url) as redis:
        await redis.set("kept", 1)
        await redis.save()
    folder = tmp_path / "restored"
    (folder / "appendonlydir").mkdir(parents=True)  # so that the embedded server does not refuse
    shutil.copy(running.data_dir / "dump.rdb", folder)

    assert await restored(folder) == {}
