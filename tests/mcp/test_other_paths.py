"""Other requests to the gateway: hosts that look for OAuth, wrong paths, wrong names, odd headers."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from services.mcp.tools import TOOLS
from tests.mcp.clients import Gateway
from tests.mcp.test_gateway import ACCEPT, LIST, post

PROBES = [
    ("GET", "/.well-known/oauth-protected-resource", 404),
    ("GET", "/.well-known/oauth-protected-resource/mcp", 404),
    ("GET", "/.well-known/oauth-authorization-server", 404),
    ("GET", "/.well-known/oauth-authorization-server/mcp", 404),
    ("GET", "/.well-known/openid-configuration", 404),
    ("GET", "/mcp/.well-known/openid-configuration", 404),
    ("POST", "/register", 400),
    ("GET", "/authorize", 400),
    ("POST", "/token", 400),
    ("POST", "/mcp/register", 400),
]


@pytest.mark.parametrize(("method", "path", "status"), PROBES)
async def test_a_host_that_looks_for_oauth_reads_in_json_that_there_is_none(
    gateway: Gateway, method: str, path: str, status: int
) -> None:
    async with httpx.AsyncClient(timeout=30) as http:
        response = await http.request(method, gateway.origin + path)

    assert (response.status_code, response.headers["content-type"]) == (status, "application/json")
    answer = response.json()
    assert list(answer) == ["error", "error_description"]
    assert answer["error"] == "invalid_request"
    assert answer["error_description"].startswith("Recuro has no OAuth: ")
    assert "Authorization: Bearer <token>" in answer["error_description"]


@pytest.mark.parametrize("path", ["/", "/sse", "/mcp/x", "/api/jobs", "/healthz/", "/" + "x" * 2000])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_every_other_path_is_answered_in_json(gateway: Gateway, method: str, path: str) -> None:
    async with httpx.AsyncClient(timeout=30) as http:
        response = await http.request(method, gateway.origin + path)

    assert (response.status_code, response.headers["content-type"]) == (404, "application/json")
    assert response.json()["error"]["message"].endswith("MCP is at /mcp: let the URL end in it.")
    assert len(response.text) < 500


@pytest.mark.parametrize("sent", [None, "wrong"])
async def test_a_refused_token_is_answered_with_the_header_to_set(
    gateway: Gateway, token: str, sent: str | None
) -> None:
    message = (await post(gateway.url, sent)).json()["error"]["message"]

    assert 'Set the header "Authorization: Bearer <token>"' in message


@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        (
            {"Host": "evil.example"},
            421,
            "does not answer to the name 'evil.example': list it in RECURO_MCP_ALLOWED_HOSTS",
        ),
        (
            {"Origin": "https://evil.example"},
            403,
            "pages of 'https://evil.example': if you trust that host, list it",
        ),
        ({"Content-Type": "text/plain"}, 400, "The Content-Type header must be application/json."),
        ({"Accept": "text/html"}, 406, "The Accept header must take application/json."),
    ],
)
async def test_what_the_gateway_does_not_take_is_said_as_json_rpc(
    gateway: Gateway, token: str, headers: dict[str, str], status: int, said: str
) -> None:
    response = await post(gateway.url, token, **headers)

    assert (response.status_code, response.headers["content-type"]) == (status, "application/json")
    answer = response.json()
    assert (answer["jsonrpc"], answer["id"]) == ("2.0", None)
    assert said in answer["error"]["message"]


async def test_who_accepts_nothing_in_particular_is_served(gateway: Gateway, token: str) -> None:
    head = f"Authorization: Bearer {token}\r\nContent-Type: application/json"

    assert len((await raw(gateway, head, LIST))["result"]["tools"]) == len(TOOLS)


@pytest.mark.parametrize("blanks", ["", " ", "\t", "  \t "])
async def test_blanks_around_a_header_are_not_part_of_it(gateway: Gateway, token: str, blanks: str) -> None:
    given = {
        **ACCEPT,
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": "tools/call",
        "Mcp-Name": "list-jobs",
    }
    head = "\r\n".join(f"{name}:{blanks}{value}{blanks}" for name, value in given.items())
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "x", "version": "1"},
    }
    params = {"name": "list-jobs", "arguments": {}, "_meta": meta}

    answer = await raw(gateway, head, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})

    assert answer["result"]["structuredContent"]["total"] == 0


async def raw(gateway: Gateway, head: str, message: object) -> Any:
    """The JSON answer to a request with exactly these header lines."""
    body = json.dumps(message)
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        lines = f"POST /mcp HTTP/1.1\r\nHost: localhost\r\n{head}\r\nConnection: close\r\nContent-Length: {len(body)}"
        writer.write(f"{lines}\r\n\r\n{body}".encode())
        answer = await asyncio.wait_for(reader.read(), 30)
    finally:
        writer.close()
    return json.loads(answer.partition(b"\r\n\r\n")[2])
