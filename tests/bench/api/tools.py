"""What a call of `get-cron` costs the gateway beside what the same read costs the API, in CPU of the server's process.

`python -m tests.bench.api.tools` prints it; it needs `wrk`. Each of many rounds asks both in both eras of the protocol, for a
second and one after the other, so that what else the machine does weighs on all alike.
"""

import argparse
import asyncio
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import httpx
import uvloop

from services.cli import embedded
from shared.actions import crons
from shared.schemas.crons import CronCreate
from shared.security import tokens
from shared.settings import Settings
from shared.store import connection, keyspace
from tests.bench import pages, readings
from tests.bench.stage import process
from tests.calls import KEY, call_of
from tests.installation import free_port
from tests.poll import until

CRON = {"name": "Health Check", "url": "https://api.example.com/health", "cron_expression": "*/5 * * * *"}
MOST = 2.5
"""So many times what the API needs."""
_MODERN = "2026-07-28"
_CALL = {"name": "get-cron", "arguments": {"id": 1}}
_META = {
    "io.modelcontextprotocol/protocolVersion": _MODERN,
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
_REPORT = 'done = function(summary) io.write(string.format("requests=%d wrong=%d\\n", summary.requests, summary.errors.status + summary.errors.timeout)) end\n'


class Asked(NamedTuple):
    """One way to read the cron: which process is asked, and how."""

    name: str
    port: int
    path: str
    headers: dict[str, str]
    body: str = ""

    @property
    def script(self) -> str:
        """What wrk runs."""
        method = f"wrk.method = 'POST'\nwrk.body = {json.dumps(self.body)}\n" if self.body else ""
        return method + _REPORT


def ways(api: int, gateway: int, token: str) -> list[Asked]:
    bearer = {"Authorization": f"Bearer {token}"}
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": _CALL}
    posted = {
        **bearer,
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
    }
    modern = {"MCP-Protocol-Version": _MODERN, "Mcp-Method": "tools/call", "Mcp-Name": "get-cron"}
    return [
        Asked("REST", api, "/api/crons/1", bearer),
        Asked(
            "2025-11-25", gateway, "/mcp", {**posted, "MCP-Protocol-Version": "2025-11-25"}, json.dumps(call)
        ),
        Asked(
            *(_MODERN, gateway, "/mcp", {**posted, **modern}),
            json.dumps({**call, "params": {**_CALL, "_meta": _META}}),
        ),
    ]


async def _cpu_ms(asked: Asked, pid: int, seconds: int, folder: Path) -> float:
    """CPU of the process per request, in ms."""
    url = f"http://127.0.0.1:{asked.port}{asked.path}"
    async with httpx.AsyncClient(
        headers=asked.headers
    ) as client:  # the first of a process makes what it keeps
        sent = client.post(url, content=asked.body) if asked.body else client.get(url)
        assert "Health Check" in (await sent).text
    script = folder / "ask.lua"
    script.write_text(asked.script)
    given = [part for name, value in asked.headers.items() for part in ("-H", f"{name}: {value}")]
    argv = ["wrk", "-t1", "-c2", f"-d{seconds}s", *given, "-s", str(script), url]
    before = _cpu_seconds(pid)
    wrk = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    said = (await wrk.communicate())[0].decode()
    spent = _cpu_seconds(pid) - before
    found = re.search(r"requests=(\d+) wrong=(\d+)", said)
    assert found, said
    assert found[2] == "0", said
    return spent / int(found[1]) * 1000


def _cpu_seconds(pid: int) -> float:
    return sum(map(readings.cpu_seconds, readings.tree([pid])))


async def _measure(options: argparse.Namespace) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory(prefix="recuro-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        server = embedded.start(folder)
        stack.callback(server.stop)
        async with connection.connect(Settings(redis_url=server.url)) as redis:
            token = await tokens.create(redis, team="bench", name="bench", scopes=("admin",))
            await crons.create(call_of(redis, keyspace.Team(1)), CronCreate.model_validate(CRON))
        api, gateway = free_port(), free_port()
        environment = {
            "RECURO_REDIS_URL": server.url,
            "RECURO_API_PORT": str(api),
            "RECURO_MCP_PORT": str(gateway),
            "RECURO_ENCRYPTION_KEY": KEY,
            "RECURO_LOG_FORMAT": "json",
        }
        pids = {}
        for service, port in (("api", api), ("mcp", gateway)):
            argv = [sys.executable, "-c", f"from services.{service}.main import main; main()"]
            running = stack.enter_context(process(argv, environment, folder / f"{service}.log"))
            await until(partial(_serves, port))
            pids[port] = running.pid
        found: dict[str, list[float]] = {}
        for number in range(options.rounds):
            asked = ways(api, gateway, token)
            for one in asked if number % 2 == 0 else asked[::-1]:
                spent = await _cpu_ms(one, pids[one.port], options.seconds, folder)
                found.setdefault(one.name, []).append(spent)
        return found


async def _serves(port: int) -> bool:
    try:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
    except httpx.TransportError:
        return False


def times(found: Mapping[str, Sequence[float]], name: str) -> float:
    """How many times that of REST it is, by the median of the rounds: what drifts weighs on a whole round."""
    return median(own / rest for own, rest in zip(found[name], found["REST"], strict=True))


def told(found: Mapping[str, Sequence[float]]) -> str:
    """A line a way."""
    return "\n".join(
        f"{name}: {median(rounds):.3f} ms of CPU a call, {times(found, name):.2f} times REST "
        f"(rounds: {', '.join(f'{one:.3f}' for one in rounds)})"
        for name, rounds in found.items()
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.api.tools", description=__doc__)
    parser.add_argument("--rounds", type=pages.positive, default=36, help="(%(default)s)")
    parser.add_argument(
        "--seconds", type=pages.positive, default=1, help="of each way in a round (%(default)s)"
    )
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is missing: apt-get install wrk")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(_measure(options))
    print(told(found))
    if above := [name for name in found if times(found, name) > MOST]:
        sys.exit(f"{', '.join(above)}: more than {MOST} times REST")


if __name__ == "__main__":
    main()
