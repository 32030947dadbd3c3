"""The embedded server: real server programs on real directories."""

import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from services.cli import embedded
from services.cli.embedded import CannotStart, EmbeddedServer, start
from tests.poll import until


@pytest.fixture
def running(tmp_path: Path) -> Iterator[EmbeddedServer]:
    server = start(tmp_path / "data")
    yield server
    server.kill()


def client(server: EmbeddedServer) -> Redis:
    return Redis.from_url(server.url, decode_responses=True)


def program(folder: Path, says: str) -> str:
    """A program that answers --version like that."""
    path = folder / "server"
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o700)
    return str(path)


def test_it_answers_as_soon_as_start_returns(running: EmbeddedServer) -> None:
    with client(running) as redis:
        assert redis.ping()
        assert redis.info("server")["process_id"] == running.pid


def test_it_keeps_every_write_and_never_evicts(running: EmbeddedServer) -> None:
    with client(running) as redis:
        config = redis.config_get()

    assert (config["appendonly"], config["appendfsync"]) == ("yes", "everysec")
    assert config["maxmemory-policy"] == "noeviction"
    assert config["port"] == "0"


def test_only_its_owner_may_connect_or_read_its_data(running: EmbeddedServer) -> None:
    modes = [
        stat.S_IMODE(path.stat().st_mode) for path in (running.data_dir, running.data_dir / "redis.sock")
    ]

    assert modes == [0o700, 0o700]


@pytest.mark.parametrize("end", [EmbeddedServer.stop, EmbeddedServer.kill])
def test_data_outlives_a_stop_and_a_crash(tmp_path: Path, end: object) -> None:
    first = start(tmp_path)
    with client(first) as redis:
        redis.set("kept", "yes")
        redis.config_set("appendfsync", "always")  # as on a disk that keeps up: now all is written

    assert callable(end)
    end(first)
    second = start(tmp_path)

    with client(second) as redis:
        assert redis.get("kept") == "yes"
    second.stop()


def test_data_written_by_one_program_opens_in_another(tmp_path: Path) -> None:
    wheel = embedded.wheel_program()
    assert wheel is not None
    first = start(tmp_path)
    with client(first) as redis:
        redis.xadd("stream", {"id": "1"})
    first.stop()

    second = start(tmp_path, server=wheel)

    with client(second) as redis:
        assert redis.xlen("stream") == 1
    second.stop()


async def test_it_can_be_launched_again_at_the_same_address(running: EmbeddedServer) -> None:
    async def ended() -> bool:
        return not running.running

    pid, url = running.pid, running.url
    os.kill(pid, signal.SIGKILL)
    await until(ended)

    running.launch()

    assert running.pid != pid
    assert running.url == url
    with client(running) as redis:
        assert redis.ping()


def test_a_second_one_on_the_same_data_is_refused_in_one_line(running: EmbeddedServer) -> None:
    with pytest.raises(CannotStart, match=rf"is in use by another Recuro \(process {os.getpid()}\)$"):
        start(running.data_dir)


def test_a_directory_is_free_again_after_a_stop(tmp_path: Path) -> None:
    start(tmp_path).stop()

    start(tmp_path).stop()


@pytest.mark.parametrize("folder", ["a folder with spaces", 'quote " backslash \\', "größe-%20", "x" * 150])
def test_any_directory_will_do(tmp_path: Path, folder: str) -> None:
    server = start(tmp_path / folder)

    with client(server) as redis:
        redis.set("k", "v")
    server.stop()

    assert (tmp_path / folder / "appendonlydir").is_dir()


def test_a_private_directory_for_a_long_path_is_removed(tmp_path: Path) -> None:
    server = start(tmp_path / ("x" * 150))
    private = Path(server.url.removeprefix("unix://")).parent

    mode = stat.S_IMODE(private.stat().st_mode)
    server.stop()

    assert mode == 0o700
    assert not private.exists()


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        (
            "Redis server v=6.2.14 sha=00000000:0 bits=64",
            "Redis 6.2.14 .* is too old: 7.0 or newer is needed",
        ),
        ("hello", "does not say that it is a Redis or Valkey server"),
    ],
)
def test_a_program_that_will_not_do_is_named(tmp_path: Path, says: str, reason: str) -> None:
    with pytest.raises(CannotStart, match=reason):
        embedded.usable(program(tmp_path, says))


def test_a_chosen_program_that_does_not_exist_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECURO_REDIS_SERVER", "/nowhere/redis-server")

    with pytest.raises(CannotStart, match="no server program at /nowhere/redis-server"):
        embedded.find()


def test_a_server_on_the_path_that_is_too_old_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "Redis server v=6.2.14 sha=00000000:0 bits=64")
    (tmp_path / "server").rename(tmp_path / "redis-server")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.delenv("RECURO_REDIS_SERVER", raising=False)

    found = embedded.find()

    assert found.version >= embedded.OLDEST
    assert not found.path.startswith(str(tmp_path))


def test_a_server_that_dies_at_its_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").mkdir()
    (tmp_path / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")

    with pytest.raises(CannotStart, match=r"the embedded server did not start: .*manifest"):
        start(tmp_path)
