"""The service as a process: without Redis, with it again, and to its end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from httpx import AsyncClient

from services.cli import embedded
from shared.settings import Settings
from tests.api.serving import serving
from tests.installation import free_port
from tests.poll import until

TOKEN = "rc_bootstrap_token_of_a_test"
JOB = {"queue": "mail", "url": "https://example.com"}
AWAY = (503, {"error": "Storage unavailable"})


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[embedded.EmbeddedServer]:
    running = embedded.start(tmp_path)
    try:
        yield running
    finally:
        running.stop()


async def _answer(client: AsyncClient, method: str = "POST", path: str = "/api/jobs") -> tuple[int, object]:
    answer = await client.request(method, path, json=JOB)
    if answer.status_code == 503:
        assert answer.headers["retry-after"] == "1"
    return answer.status_code, answer.json()


async def test_redis_away_is_a_503_until_it_is_back(own_server: embedded.EmbeddedServer) -> None:
    settings = Settings(redis_url=own_server.url, api_port=0, bootstrap_token=TOKEN)
    headers = {"Authorization": f"Bearer {TOKEN}"}

    async def ended() -> bool:
        return not own_server.running

    with serving(settings) as api:
        async with AsyncClient(base_url=api, headers=headers, timeout=30) as client:
            assert (await _answer(client))[0] == 201
            os.kill(own_server.pid, signal.SIGKILL)
            await until(ended)

            assert await _answer(client) == AWAY
            assert await _answer(client, "GET") == AWAY
            assert await _answer(client, "GET", "/readyz") == AWAY
            assert (await client.get("/healthz")).status_code == 200

            own_server.launch()

            async def accepted() -> bool:
                return (await _answer(client))[0] == 201

            await until(accepted)
            assert (await client.get("/readyz")).status_code == 200


async def test_it_starts_without_redis_and_makes_the_first_token_later(tmp_path: Path) -> None:
    away = embedded.start(tmp_path)
    url = away.url
    away.stop()
    headers = {"Authorization": f"Bearer {TOKEN}"}
    settings = Settings(redis_url=url, api_port=0, bootstrap_token=TOKEN)
    with serving(settings) as api:
        async with AsyncClient(base_url=api, headers=headers, timeout=30) as client:
            assert await _answer(client) == AWAY
            back = embedded.start(tmp_path)
            assert back.url == url
            try:

                async def accepted() -> bool:
                    return (await _answer(client))[0] == 201

                await until(accepted)
            finally:
                back.stop()


async def test_the_process_serves_logs_json_and_ends_on_sigterm(server: embedded.EmbeddedServer) -> None:
    port = free_port()
    process = _start(server.url, port)
    try:
        async with AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

            async def served() -> bool:
                try:
                    return (await client.get("/healthz")).status_code == 200
                except httpx.TransportError:
                    return False

            await until(served)
            assert (await client.get("/api/jobs")).status_code == 401
        process.send_signal(signal.SIGTERM)
        _, logged = process.communicate(timeout=60)
    finally:
        process.kill()

    assert process.returncode == 0
    assert logged.count(b'"event":"request"') == 1, "probes are not told"
    assert b'"service":"api"' in logged
    assert b"Traceback" not in logged


def test_a_taken_port_ends_the_start(api: str, server: embedded.EmbeddedServer) -> None:
    process = _start(server.url, int(api.rpartition(":")[2]))

    _, logged = process.communicate(timeout=60)

    assert process.returncode > 0
    assert b"address already in use" in logged


def _start(redis_url: str, port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", "from services.api.main import main; main()"],
        env={**os.environ, "RECURO_REDIS_URL": redis_url, "RECURO_API_PORT": str(port)},
        stderr=subprocess.PIPE,
    )
