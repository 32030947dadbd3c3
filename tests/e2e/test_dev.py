"""`recuro dev` from the first line to the last, with the real services."""

import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from redis import Redis

from tests.poll import until
from tests.processes import alive, children

RECURO = Path(sys.executable).parent / "recuro"
READY_SECONDS = 180.0  # about 3 on an idle machine; a busy one only makes it late, not wrong
STOP_SECONDS = 60.0  # under 1 on an idle machine


class Dev:
    """A `recuro dev` in a directory of its own, whose output goes to a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._output = folder / "output"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RECURO_")}
        server = {name: value for name, value in os.environ.items() if name == "RECURO_REDIS_SERVER"}
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [RECURO, "dev"],
                cwd=folder,
                env={**inherited, **server, "RECURO_API_PORT": "0", "RECURO_MCP_PORT": "0"},
                stdout=output,
                stderr=output,
            )

    def said(self) -> str:
        return self._output.read_text()

    def value(self, name: str) -> str:
        found = re.search(rf"^  {name}:? +(\S+)", self.said(), re.M)
        assert found, self.said()
        return found[1]

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.value('token')}"}
        return httpx.Client(base_url=self.value("API"), headers=headers, trust_env=False, timeout=30)

    async def ready(self) -> "Dev":
        async def look() -> bool:
            assert self.process.poll() is None, self.said()
            return "Recuro is ready." in self.said()

        try:
            await until(look, READY_SECONDS)
        except AssertionError as error:
            error.add_note(self.said())
            raise
        return self

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_SECONDS)


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Callable[[], Dev]]:
    started: list[Dev] = []

    def begin() -> Dev:
        started.append(Dev(tmp_path))
        return started[-1]

    yield begin
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


async def test_one_command_serves_both_doors_and_ends_quietly(dev: Callable[[], Dev]) -> None:
    running = await dev().ready()

    with running.client() as client:
        queues = client.get("/api/queues")
        mcp = client.get(running.value("MCP").replace("/mcp", "/readyz"))
    status = running.interrupt()

    assert (queues.status_code, mcp.status_code, status) == (200, 200, 0)
    assert "durability: standard (AOF everysec" in running.said()
    assert "Traceback" not in running.said()
    assert running.said().endswith("| stopped\n")


async def test_its_link_signs_the_owner_in_once_and_the_next_start_has_another_but_token_and_data(
    dev: Callable[[], Dev], tmp_path: Path
) -> None:
    running = await dev().ready()
    link, token = running.value("page"), running.value("token")
    with running.client() as client:
        headers = {"Origin": running.value("API")}
        first = client.post(link, headers=headers)
        welcome = client.get("/welcome")
        second = client.post(link, headers=headers)
        made = client.post("/api/queues", json={"name": "kept"})
    running.interrupt()

    again = await dev().ready()

    assert (first.status_code, first.headers["location"]) == (303, "/welcome")
    assert "Welcome to Recuro" in welcome.text
    assert second.status_code == 404
    assert again.value("page").rpartition("/")[2] != link.rpartition("/")[2]
    assert made.status_code == 201, made.text
    assert again.value("token") == token
    assert stat.S_IMODE((tmp_path / ".recuro" / "token").stat().st_mode) == 0o600
    with again.client() as client:
        assert "kept" in client.get("/api/queues").text
    assert again.interrupt() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
async def test_kill_9_leaves_nothing_running_and_the_next_start_works(dev: Callable[[], Dev]) -> None:
    first = await dev().ready()
    family = children(first.process.pid)

    first.process.kill()
    first.process.wait()

    async def all_gone() -> bool:
        return not any(map(alive, family))

    assert len(family) == 5
    assert await until(all_gone)
    assert (await dev().ready()).interrupt() == 0


async def test_a_redis_that_dies_is_started_again_with_its_data(dev: Callable[[], Dev]) -> None:
    running = await dev().ready()
    with running.client() as client:
        client.post("/api/queues", json={"name": "kept"})
        with Redis(unix_socket_path=str(running.folder / ".recuro" / "redis.sock")) as redis:
            redis.config_set("appendfsync", "always")  # as on a disk that keeps up: now all is written
            os.kill(redis.info("server")["process_id"], signal.SIGKILL)

        async def answers_again() -> bool:
            return "starting it again" in running.said() and "kept" in client.get("/api/queues").text

        assert await until(answers_again, READY_SECONDS)
    assert running.interrupt() == 0
