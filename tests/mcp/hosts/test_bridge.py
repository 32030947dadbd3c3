"""The bridges by themselves: they need nothing, start at once, and pass on what the gateway would have been sent."""

import asyncio
import json
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import recuro_mcp

from scripts.bridge import OWN, as_text, own
from shared.version import VERSION
from tests.mcp.clients import CLIENTS, Gateway
from tests.mcp.test_gateway import post
from tests.mcp.test_stdio import INITIALIZE, NOWHERE, started
from tests.poll import best_of_three, in_time

MOST_CPU_SECONDS = 0.5
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "x", "version": "1"},
}


def test_its_own_answers_are_those_of_the_gateway() -> None:
    assert OWN.read_text() == as_text(asyncio.run(own())), "make examples renews it"


def test_both_bridges_have_the_version_of_the_server() -> None:
    assert recuro_mcp.VERSION == json.loads((CLIENTS / "npm/package.json").read_text())["version"] == VERSION


def test_it_needs_nothing_but_python() -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(CLIENTS / 'mcp')!r}); from recuro_mcp.main import main; main()"
    )
    command = [sys.executable, "-I", "-S", "-c", program]
    with started(command, RECURO_MCP_URL=NOWHERE) as process:
        out, errors = process.communicate(json.dumps(INITIALIZE) + "\n", timeout=120)

    assert json.loads(out)["result"]["serverInfo"] == {
        "name": "recuro",
        "title": "Recuro",
        "version": VERSION,
    }
    assert errors == ""


@best_of_three
async def test_it_starts_in_less_than_half_a_second_of_cpu(bridge: Sequence[str]) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with started(bridge, RECURO_MCP_URL=NOWHERE) as process:
        process.communicate(json.dumps(INITIALIZE) + "\n", timeout=120)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    in_time(spent, MOST_CPU_SECONDS)


class Echo(BaseHTTPRequestHandler):
    """A gateway that answers with what it was sent, and notes who hung up."""

    began, hung_up = threading.Event(), threading.Event()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        message = json.loads(body)
        if message["method"] == "hang":
            self.began.set()
            self.connection.settimeout(30)
            if self.connection.recv(1) == b"":
                self.hung_up.set()
            return
        result = {
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "body": body.decode(),
        }
        answer = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}, indent=1)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def echo() -> Iterator[str]:
    Echo.began.clear()
    Echo.hung_up.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/mcp?team=1"
        server.shutdown()


def spoken(process: subprocess.Popen[str], *lines: str) -> list[Any]:
    """An answer for each line, by id."""
    assert process.stdin
    assert process.stdout
    process.stdin.write("".join(f"{line}\n" for line in lines))
    process.stdin.flush()
    answers = [json.loads(process.stdout.readline()) for _ in lines]
    return sorted(answers, key=lambda answer: answer["id"])


OF_2025 = '{"jsonrpc": "2.0",  "id": 2, "method": "tools/call", "params": {"name": "a", "arguments": {"n": 1.50, "big": 12345678901234567890}}}'
OF_2026 = json.dumps(
    {
        "jsonrpc": "2.0",
        "id": 2,
        "method": "tools/call",
        "params": {"name": "é", "arguments": {}, "_meta": META},
    }
)


def test_what_a_host_sent_arrives_as_it_was_with_the_headers_of_its_protocol(bridge: Sequence[str]) -> None:
    with echo() as url, started(bridge, RECURO_MCP_URL=url) as process:
        answers = spoken(process, json.dumps(INITIALIZE), OF_2025)
        (modern,) = spoken(process, OF_2026)

    sent = answers[1]["result"]
    assert sent["body"] == OF_2025
    assert sent["headers"]["mcp-protocol-version"] == "2025-06-18"
    assert sent["headers"]["authorization"] == "Bearer any"
    assert sent["headers"]["user-agent"] == f"x 1 recuro-mcp/{VERSION}"
    assert not {"mcp-method", "mcp-name"} & set(sent["headers"])
    headers = modern["result"]["headers"]
    assert headers["mcp-protocol-version"] == "2026-07-28"
    assert (headers["mcp-method"], headers["mcp-name"]) == ("tools/call", "=?base64?w6k=?=")


def test_a_cancelled_request_is_not_answered_and_the_gateway_sees_its_connection_end(
    bridge: Sequence[str],
) -> None:
    hang = {"jsonrpc": "2.0", "id": 7, "method": "hang"}
    cancel = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
    with echo() as url, started(bridge, RECURO_MCP_URL=url) as process:
        assert process.stdin
        process.stdin.write(json.dumps(hang) + "\n")
        process.stdin.flush()
        assert Echo.began.wait(30)
        process.stdin.write(json.dumps(cancel) + "\n")
        process.stdin.flush()
        assert Echo.hung_up.wait(30)
        (next_one,) = spoken(process, OF_2025)

    assert next_one["id"] == 2


def test_what_it_cannot_answer_by_itself_is_an_error_while_the_gateway_is_away(bridge: Sequence[str]) -> None:
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "id": 2, "method": "resources/list"},
    ]
    with started(bridge, RECURO_MCP_URL=NOWHERE) as process:
        ping, other = spoken(process, *map(json.dumps, lines))

    assert ping["result"] == {}
    assert other["error"]["code"] == -32011
    assert "cannot be reached" in other["error"]["message"]


VERSIONS = [
    ("2024-11-05", "2024-11-05"),
    ("2025-11-25", "2025-11-25"),
    ("2031-01-01", "2025-11-25"),
]


@pytest.mark.parametrize(("asked", "given"), VERSIONS)
async def test_a_handshake_is_answered_as_the_gateway_answers_it(
    gateway: Gateway, token: str, bridge: Sequence[str], asked: str, given: str
) -> None:
    handshake = {**INITIALIZE, "params": {**INITIALIZE["params"], "protocolVersion": asked}}  # type: ignore[dict-item]
    with started(bridge, RECURO_MCP_URL=gateway.url, RECURO_API_TOKEN=token) as process:
        (ours,) = spoken(process, json.dumps(handshake))

    assert ours == (await post(gateway.url, token, handshake)).json()
    assert ours["result"]["protocolVersion"] == given
