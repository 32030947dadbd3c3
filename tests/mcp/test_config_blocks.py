"""The configuration of each host, as the pages print it: each host has its own format."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from services.mcp.stdio import BridgeSettings

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/mcp.md")
HEADERS = {"Authorization": "Bearer your_token_here"}
URL = BridgeSettings.model_fields["url"].default

# By host: the key of the servers, and what an entry over HTTP and one over stdio must and must not have.
FORMS: dict[str, tuple[str, dict[str, str] | None, dict[str, str]]] = {
    "Claude Code": ("mcpServers", {"url": URL, "type": "http"}, {}),
    "Claude Desktop": ("mcpServers", None, {}),
    "Cursor": ("mcpServers", {"url": URL}, {}),
    "VS Code": ("servers", {"url": URL, "type": "http"}, {"type": "stdio"}),
    "Windsurf": ("mcpServers", {"serverUrl": URL}, {}),
    "Zed": ("context_servers", {"url": URL}, {}),
}


def blocks(page: str) -> list[tuple[list[str], dict[str, Any]]]:
    """Each JSON block, with the hosts that the paragraph before it names."""
    text = (ROOT / page).read_text()
    found = re.findall(r"((?:[^\n]+\n)+)\n```json\n(.+?)```", text, re.DOTALL)
    return [
        (re.findall(r"\*\*([A-Z][\w ]+)\*\*", said.rpartition("\n\n")[2]), json.loads(block))
        for said, block in found
    ]


@pytest.mark.parametrize("page", PAGES)
def test_every_block_has_the_form_of_the_hosts_it_is_for(page: str) -> None:
    assert len(blocks(page)) == len(re.findall(r"^```json", (ROOT / page).read_text(), re.MULTILINE)) > 0
    for hosts, block in blocks(page):
        assert hosts
        for host in hosts:
            place, over_http, over_stdio = FORMS[host]
            assert list(block) == [place], host
            entry = block[place]["recuro"]
            if "command" in entry:
                env = {"RECURO_API_TOKEN": "your_token_here"}
                assert entry == {**over_stdio, "command": entry["command"], "env": env}, host
                assert entry["command"].endswith("recuro-mcp")
            else:
                assert over_http, host
                assert entry == {**over_http, "headers": HEADERS}, host


def test_every_host_has_a_block_in_the_mcp_page() -> None:
    over_http = {
        host for hosts, block in blocks("docs/mcp.md") for host in hosts if "command" not in str(block)
    }
    over_stdio = {host for hosts, block in blocks("docs/mcp.md") for host in hosts if "command" in str(block)}

    assert over_http == {host for host, (_, http, _) in FORMS.items() if http}
    assert over_stdio == set(FORMS)
