"""The configuration of each host, as pages, `recuro mcp config` and the page of a new token give it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.api.pages.settings import clients
from shared.basics.mcp_clients import DEFAULT_URL, MCP_CLIENTS, McpClient

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/mcp.md")
TOKEN = "your_token_here"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
COMMAND = "/path/to/recuro/.venv/bin/recuro-mcp"
PAGE = (ROOT / "docs/mcp.md").read_text()

# By host: the key of the servers, and what an entry over HTTP and one over stdio must and must not have.
FORMS: dict[str, tuple[str, dict[str, str] | None, dict[str, str]]] = {
    "Claude Code": ("mcpServers", {"url": DEFAULT_URL, "type": "http"}, {}),
    "Claude Desktop": ("mcpServers", None, {}),
    "Cursor": ("mcpServers", {"url": DEFAULT_URL}, {}),
    "VS Code": ("servers", {"url": DEFAULT_URL, "type": "http"}, {"type": "stdio"}),
    "Windsurf": ("mcpServers", {"serverUrl": DEFAULT_URL}, {}),
    "Zed": ("context_servers", {"url": DEFAULT_URL}, {}),
    "Gemini CLI": ("mcpServers", {"url": DEFAULT_URL, "type": "http"}, {}),
}


def blocks(page: str) -> list[tuple[list[str], str]]:
    """Each JSON block, with the hosts that the paragraph before it names."""
    text = (ROOT / page).read_text()
    found = re.findall(r"((?:[^\n]+\n)+)\n```json\n(.+?)\n```", text, re.DOTALL)
    return [
        (re.findall(r"\*\*([A-Z][\w ]+)\*\*", said.rpartition("\n\n")[2]), block) for said, block in found
    ]


def check(host: str, block: dict[str, Any]) -> None:
    place, over_http, over_stdio = FORMS[host]
    assert list(block) == [place], host
    entry = block[place]["recuro"]
    if "command" in entry:
        env = {"RECURO_API_TOKEN": TOKEN}
        assert entry == {**over_stdio, "command": entry["command"], "env": env}, host
        assert entry["command"].endswith("recuro-mcp")
    else:
        assert over_http, host
        assert entry == {**over_http, "headers": HEADERS}, host


@pytest.mark.parametrize("page", PAGES)
def test_every_block_has_the_form_of_the_hosts_it_is_for(page: str) -> None:
    assert len(blocks(page)) == len(re.findall(r"^```json", (ROOT / page).read_text(), re.MULTILINE)) > 0
    for hosts, block in blocks(page):
        assert hosts
        for host in hosts:
            check(host, json.loads(block))


@pytest.mark.parametrize("client", MCP_CLIENTS, ids=lambda client: client.id)
def test_the_page_has_the_very_blocks_of_a_client_and_names_its_file(client: McpClient) -> None:
    of_client = [block for hosts, block in blocks("docs/mcp.md") if client.name in hosts]

    made = (client.over_http(TOKEN, DEFAULT_URL), client.over_stdio(TOKEN, DEFAULT_URL, COMMAND))
    assert of_client == [text for text in made if text]
    assert client.place in PAGE


def test_every_host_is_a_client_and_the_other_way_round() -> None:
    assert [client.name for client in MCP_CLIENTS] == list(FORMS)
    assert all(f"`{client.id}`" in PAGE for client in MCP_CLIENTS)


def printed(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from services.cli.main import main; main()",
        "mcp",
        "config",
        *arguments,
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RECURO_")}
    return subprocess.run(
        command, env=environment | env, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("client", MCP_CLIENTS, ids=lambda client: client.id)
def test_the_command_prints_what_the_page_shows(client: McpClient) -> None:
    plain, over_stdio = printed("--client", client.id), printed("--client", client.id, "--stdio")

    check(client.name, json.loads(over_stdio.stdout))
    assert plain.stdout.rstrip("\n") in (client.over_http(TOKEN, DEFAULT_URL), over_stdio.stdout.rstrip("\n"))
    assert client.place in plain.stderr
    assert "recuro token create" in plain.stderr


def test_the_command_takes_a_token_and_a_gateway() -> None:
    given = printed("--client", "cursor", "--token", "one", "--url", "https://mcp.example/mcp")
    from_environment = printed(
        "--client", "vscode", "--stdio", RECURO_API_TOKEN="one", RECURO_MCP_URL="https://mcp.example/mcp"
    )

    entry = {"url": "https://mcp.example/mcp", "headers": {"Authorization": "Bearer one"}}
    assert json.loads(given.stdout) == {"mcpServers": {"recuro": entry}}
    env = {"RECURO_API_TOKEN": "one", "RECURO_MCP_URL": "https://mcp.example/mcp"}
    assert json.loads(from_environment.stdout)["servers"]["recuro"]["env"] == env
    assert "token" not in given.stderr


def test_the_command_names_the_clients_that_there_are() -> None:
    ended = printed("--client", "emacs")

    assert ended.returncode == 2
    assert all(client.id in ended.stderr for client in MCP_CLIENTS)


def test_a_page_with_a_new_token_shows_the_same() -> None:
    made = clients.blocks(TOKEN, api="http://127.0.0.1:8000", mcp=DEFAULT_URL)

    expected = [
        one.over_http(TOKEN, DEFAULT_URL) or one.over_stdio(TOKEN, DEFAULT_URL) for one in MCP_CLIENTS
    ]
    assert [block.text for block in made[:-1]] == expected
    assert made[-1].text == f'curl -H "Authorization: Bearer {TOKEN}" http://127.0.0.1:8000/api/queues'


def test_every_block_of_the_page_has_a_rule_that_shows_it() -> None:
    css = (ROOT / "services/api/pages/static/pages.css").read_text()

    assert f"> .tab-{len(MCP_CLIENTS) + 1} " in css


def test_a_gateway_elsewhere_is_named_everywhere_and_whatever_is_given_stays_json() -> None:
    url = 'https://mcp.example/"mcp'
    for client in MCP_CLIENTS:
        for text in (client.over_http('"\\', url), client.over_stdio('"\\', url)):
            assert text is None or "https://mcp.example/" in json.dumps(json.loads(text))
