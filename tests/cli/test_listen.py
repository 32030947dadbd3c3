import socket
import subprocess
import sys

import httpx
import pytest

from tests.installation import free_port
from tests.poll import until


async def test_what_is_sent_is_printed_and_answered() -> None:
    port = free_port()
    command = [sys.executable, "-u", "-m", "services.cli.main", "listen", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listening:

        async def answered() -> bool:
            async with httpx.AsyncClient(trust_env=False) as client:
                try:
                    sent = await client.post(
                        f"http://127.0.0.1:{port}/sync", json={"a": 1}, headers={"X-Shop": "42"}
                    )
                except httpx.TransportError:
                    return False
                assert sent.json() == {"ok": True}
                return True

        try:
            await until(answered)
        finally:
            listening.terminate()
        printed, _ = listening.communicate(timeout=120)

    assert "POST /sync" in printed
    assert "x-shop: 42" in printed
    assert '{"a":1}' in printed


@pytest.mark.parametrize("port", ["0", "-1", "65536", "99999", "x"])
def test_what_is_no_port_is_refused(port: str) -> None:
    command = [sys.executable, "-m", "services.cli.main", "listen", f"--port={port}"]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"{port} is no port from 1 to 65535" in ended.stderr


def test_a_taken_port_is_reported_and_not_as_listened_at() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        command = [sys.executable, "-m", "services.cli.main", "listen", "--port", str(port)]

        ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert f"port {port} on 127.0.0.1: Address already in use; take another with --port" in ended.stderr
