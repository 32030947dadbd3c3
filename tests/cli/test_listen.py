import subprocess
import sys

import httpx

from tests.house import free_port
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
        printed, _ = listening.communicate(timeout=10)

    assert "POST /sync" in printed
    assert "x-shop: 42" in printed
    assert '{"a":1}' in printed
