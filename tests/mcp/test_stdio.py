"""`recuro-mcp` as hosts start it: it always lists its tools, and reports problems at the first call."""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import anyio
import pytest
from mcp import Client

from services.cli.embedded import EmbeddedServer
from services.mcp.tools import TOOLS
from tests.mcp.clients import CRON, ERAS, JOB, Gateway, found, over_stdio, text


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server that is no gateway."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/mcp"
        server.shutdown()


NOWHERE = "http://127.0.0.1:9/mcp"


@pytest.mark.parametrize(
    ("argument", "code", "said"),
    [("--help", 0, "RECURO_API_TOKEN"), (NOWHERE, 2, f"unrecognized arguments: {NOWHERE}")],
)
def test_an_argument_is_answered(bridge: Sequence[str], argument: str, code: int, said: str) -> None:
    ended = subprocess.run(
        [*bridge, argument], input="", capture_output=True, text=True, timeout=120, check=False
    )

    assert (ended.returncode, said in ended.stdout + ended.stderr) == (code, True)


async def names(client: Client) -> list[str]:
    return [tool.name for tool in (await client.list_tools()).tools]


@pytest.mark.parametrize(
    ("era", "variable"), [("legacy", "RECURO_API_TOKEN"), ("2026-07-28", "MCP_API_TOKEN")]
)
async def test_tools_work_over_stdio_with_either_variable(
    bridge: Sequence[str], gateway: Gateway, token: str, era: str, variable: str
) -> None:
    async with over_stdio(era, bridge, RECURO_MCP_URL=gateway.url, **{variable: token}) as client:
        made = await client.call_tool("create-cron", CRON | {"headers": {"X-A": "1"}})
        shown = await client.call_tool("update-cron", {"id": 1, "headers": None})
        wrong = await client.call_tool("create-job", {"queue": "webhooks"})

        assert len(await names(client)) == len(TOOLS)
    assert found(made)["method"] == "GET"
    assert found(shown)["headers"] is None
    assert "- url: The url field is required." in text(wrong)
    assert wrong.structured_content is None


class NewerGateway(BaseHTTPRequestHandler):
    """A gateway of another version, which lists and runs one tool that is unknown here."""

    TOOL: ClassVar = {"name": "explain-cron", "inputSchema": {"type": "object"}, "_meta": {"of": "later"}}

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        lists = request["method"] == "tools/list"
        result = {"tools": [self.TOOL]} if lists else {"content": [{"type": "text", "text": "explained"}]}
        fresh = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
        answer = {"jsonrpc": "2.0", "id": request["id"], "result": result | fresh}
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        pass


class Silent(BaseHTTPRequestHandler):
    """A gateway that never answers."""

    called = threading.Event()
    ended = threading.Event()

    def do_POST(self) -> None:
        self.called.set()
        self.ended.wait(30)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def started(command: Sequence[str], **env: str) -> Iterator[subprocess.Popen[str]]:
    """A bridge whose lines the test writes and reads."""
    pipe = subprocess.PIPE
    environment = {**os.environ, "RECURO_API_TOKEN": "any", **env}
    with subprocess.Popen(
        command, env=environment, text=True, stdin=pipe, stdout=pipe, stderr=pipe
    ) as process:
        try:
            yield process
        finally:
            process.kill()


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "x", "version": "1"},
    },
}
CALL = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "list-jobs", "arguments": {}}}
LINES = [
    ("no json", None, -32700),
    ('{"jsonrpc": "2.0", "id": 7, "method"', None, -32700),
    ('{"jsonrpc": "2.0", "id": 7, "method": 5}', 7, -32600),
    ('{"jsonrpc": "2.0", "id": "seven"}', "seven", -32600),
    ("[]", None, -32600),
    (f"[{json.dumps(INITIALIZE)}]", None, -32600),
    ("[" * 100_000, None, -32700),
    ("", None, None),
    ("\ud83d", None, -32700),
]


def test_a_line_that_is_no_message_is_answered_and_the_next_one_is_read(bridge: Sequence[str]) -> None:
    with started(bridge, RECURO_MCP_URL=NOWHERE) as process:
        lines = [line for line, *_ in LINES]
        written = "\n".join([*lines, json.dumps(INITIALIZE), "{"]) + "\n"
        out, _ = process.communicate(written.encode("utf-8", "replace").decode(), timeout=120)

    *errors, first, last = map(json.loads, out.splitlines())
    assert [(one["id"], one["error"]["code"]) for one in errors] == [
        (id_, code) for _, id_, code in LINES if code
    ]
    answers = sorted([first, last], key=lambda one: "error" in one)  # the two are written side by side
    assert answers[0]["result"]["serverInfo"]["name"] == "recuro"
    assert answers[1]["error"]["code"] == -32700
    assert process.returncode == 0


@pytest.mark.parametrize("by", ["end of input", "SIGINT", "SIGTERM"])
def test_it_ends_at_once_even_with_a_call_under_way(bridge: Sequence[str], by: str) -> None:
    with serving(Silent) as url, started(bridge, RECURO_MCP_URL=url) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(INITIALIZE) + "\n")
        process.stdin.flush()
        assert "serverInfo" in process.stdout.readline()
        process.stdin.write(json.dumps(CALL) + "\n")
        process.stdin.flush()
        assert Silent.called.wait(30)

        if by == "end of input":
            process.stdin.close()
        else:
            process.send_signal(signal.Signals[by])

        process.wait(20)
        assert process.stderr
        assert process.stderr.read() == ""
        Silent.ended.set()


@pytest.mark.parametrize("era", ERAS)
async def test_the_bridge_lists_what_its_gateway_lists(bridge: Sequence[str], era: str) -> None:
    with serving(NewerGateway) as url:
        async with over_stdio(era, bridge, RECURO_MCP_URL=url, RECURO_API_TOKEN="any") as client:
            (tool,) = (await client.list_tools()).tools
            result = await client.call_tool("explain-cron", {})

    assert (tool.name, tool.meta) == ("explain-cron", {"of": "later"})
    assert text(result) == "explained"


async def test_a_missing_token_lists_tools_and_is_named_at_the_first_call(
    bridge: Sequence[str], gateway: Gateway
) -> None:
    async with over_stdio(command=bridge, RECURO_MCP_URL=gateway.url) as client:
        listed = await names(client)
        result = await client.call_tool("list-crons", {})

    assert len(listed) == len(TOOLS)
    assert result.is_error
    assert "Set RECURO_API_TOKEN (or MCP_API_TOKEN)" in text(result)


@pytest.mark.parametrize("bad", ["wrong", "wröng"])
async def test_a_bad_token_lists_tools_and_is_named_at_the_first_call(
    bridge: Sequence[str], gateway: Gateway, token: str, bad: str
) -> None:
    async with over_stdio(command=bridge, RECURO_MCP_URL=gateway.url, RECURO_API_TOKEN=bad) as client:
        listed = await names(client)
        result = await client.call_tool("list-crons", {})

    assert len(listed) == len(TOOLS)
    assert result.is_error
    assert "RECURO_API_TOKEN" in text(result)


async def test_a_gateway_that_is_away_is_a_tool_error_that_says_what_to_check(bridge: Sequence[str]) -> None:
    async with over_stdio(command=bridge, RECURO_MCP_URL=NOWHERE, RECURO_API_TOKEN="any") as client:
        listed = await names(client)
        result = await client.call_tool("list-crons", {})

    assert len(listed) == len(TOOLS)
    assert result.is_error
    assert NOWHERE in text(result)
    assert "RECURO_MCP_URL" in text(result)


async def test_an_address_that_is_no_gateway_is_named(bridge: Sequence[str], gateway: Gateway) -> None:
    async with over_stdio(
        command=bridge, RECURO_MCP_URL=f"{gateway.origin}/nowhere", RECURO_API_TOKEN="any"
    ) as client:
        result = await client.call_tool("list-crons", {})

    assert result.is_error
    assert f"{gateway.origin}/nowhere answered 404" in text(result)


async def test_the_bridge_survives_a_restart_of_the_gateway(
    bridge: Sequence[str], server: EmbeddedServer, token: str
) -> None:
    gateway = Gateway(server.url)
    await gateway.start()
    async with over_stdio(command=bridge, RECURO_MCP_URL=gateway.url, RECURO_API_TOKEN=token) as client:
        await client.call_tool("create-job", JOB)
        assert gateway.stop() == 0
        down = await client.call_tool("list-jobs", {})
        await gateway.start()

        after = await client.call_tool("list-jobs", {})

    gateway.stop()
    assert down.is_error
    assert found(after)["total"] == 1


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("127.0.0.1:8001", "must start with http:// or https://"),
        ("https://me:pass@gateway.example/mcp", "must not carry a user name or password"),
        ("http://127.0.0.1:99999/mcp", "must be a valid URL ("),
        ("http:///mcp", "must name a host"),
    ],
)
async def test_a_wrong_address_is_one_line_at_the_start(bridge: Sequence[str], url: str, reason: str) -> None:
    environment = {**os.environ, "RECURO_MCP_URL": url}

    ended = await anyio.run_process(bridge, env=environment, check=False)

    assert ended.returncode == 1
    (line,) = ended.stderr.decode().splitlines()
    assert line.startswith(f"RECURO_MCP_URL {reason}")
    assert line.endswith("; it looks like http://127.0.0.1:8001/mcp")
