"""Settings, Agents: blocks as the command line prints them, and tools as the gateway lists them."""

import html
import re

import pytest

from services.cli import mcp_config
from services.mcp.rights import DELETING
from services.mcp.tools import TOOLS
from shared.basics.mcp_clients import DEFAULT_URL, MCP_CLIENTS, PLACEHOLDER, McpClient
from shared.basics.mcp_tools import MCP_TOOLS
from tests.pages.browser import Browser

PATH = "/t/1/settings/agents"
NAV = ("agents", "notifications", "signing", "redaction", "limits", "members", "team")


def test_the_table_of_tools_is_that_of_the_gateway() -> None:
    ours = {(one.name, one.title, one.scope, one.deletes) for one in MCP_TOOLS}

    assert ours == {(name, one.title, one.scope, name in DELETING) for name, one in TOOLS.items()}
    assert len(MCP_TOOLS) == len(TOOLS)


@pytest.mark.parametrize("client", MCP_CLIENTS, ids=[one.id for one in MCP_CLIENTS])
async def test_a_block_is_what_the_command_line_prints(owner: Browser, client: McpClient) -> None:
    printed = mcp_config.block(client, PLACEHOLDER, DEFAULT_URL)

    page = await owner.open(PATH)

    shown = html.unescape(page.response.text).partition(f'id="for-{client.id}">')[2].partition("</pre>")[0]
    assert without_paths(shown) == without_paths(printed.strip())


def without_paths(text: str) -> list[str]:
    """Lines, without the folder of the command that a terminal is told."""
    return [re.sub(r'"command": ".*/', '"command": "', line) for line in text.splitlines()]


async def test_which_tools_a_token_sees_is_counted_by_scope(owner: Browser) -> None:
    page = await owner.open(PATH)

    assert f"Agents see {len(TOOLS)} tools" in page.text
    for scope, words in (("read", "Read"), ("write", "Read and write"), ("admin", "Everything")):
        within = {"read": ("read",), "write": ("read", "write"), "admin": ("read", "write", "admin")}[scope]
        count = sum(one.scope in within for one in TOOLS.values())
        assert f"{words} {count}" in page.text
        assert page.text.count(f"{words} sees it") == count


async def test_members_are_sent_to_an_admin_for_a_token(owner: Browser, member: Browser) -> None:
    own, theirs = await owner.open(PATH), await member.open(PATH)

    assert "/t/1/settings/api#new" in own.links
    assert "an admin of the team makes one for you" in theirs.text
    assert "/t/1/settings/api#new" not in theirs.links


@pytest.mark.parametrize("section", NAV)
async def test_every_page_of_settings_leads_to_all_others(
    owner: Browser, member: Browser, section: str
) -> None:
    own, theirs = await owner.open(f"/t/1/settings/{section}"), await member.open(f"/t/1/settings/{section}")

    assert {f"/t/1/settings/{one}" for one in (*NAV, "api", "audit")} <= set(own.links)
    assert {f"/t/1/settings/{one}" for one in NAV} <= set(theirs.links)
    assert not {f"/t/1/settings/{one}" for one in ("api", "audit")} & set(theirs.links)
    assert 'aria-current="page">' in own.response.text
