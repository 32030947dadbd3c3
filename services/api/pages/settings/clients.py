"""How each MCP client is told of a token: the blocks of docs/mcp.md, ready to be copied."""

import json
from typing import NamedTuple

DEFAULT_URL = "http://127.0.0.1:8001/mcp"
"""Where `recuro-mcp` looks for the gateway by itself."""
COMMAND = "recuro-mcp"

_CLAUDE_CODE = """{
  "mcpServers": {
    "recuro": {
      "type": "http",
      "url": "<url>",
      "headers": { "Authorization": "Bearer <token>" }
    }
  }
}"""
_CURSOR = """{
  "mcpServers": {
    "recuro": {
      "url": "<url>",
      "headers": { "Authorization": "Bearer <token>" }
    }
  }
}"""
_VS_CODE = """{
  "servers": {
    "recuro": {
      "type": "http",
      "url": "<url>",
      "headers": { "Authorization": "Bearer <token>" }
    }
  }
}"""
_WINDSURF = """{
  "mcpServers": {
    "recuro": {
      "serverUrl": "<url>",
      "headers": { "Authorization": "Bearer <token>" }
    }
  }
}"""
_ZED = """{
  "context_servers": {
    "recuro": {
      "url": "<url>",
      "headers": { "Authorization": "Bearer <token>" }
    }
  }
}"""
_BY_COMMAND = """{
  "mcpServers": {
    "recuro": {
      "command": "<command>",
      "env": { "RECURO_API_TOKEN": "<token>"<gateway> }
    }
  }
}"""
_CURL = """curl -H "Authorization: Bearer <token>" <api>/api/queues"""


class Block(NamedTuple):
    """What goes into a file of a client, or into a terminal."""

    id: str
    client: str
    place: str
    text: str


_BLOCKS = (
    Block("claude-code", "Claude Code", ".mcp.json", _CLAUDE_CODE),
    Block("claude-desktop", "Claude Desktop", "claude_desktop_config.json", _BY_COMMAND),
    Block("cursor", "Cursor", ".cursor/mcp.json", _CURSOR),
    Block("vs-code", "VS Code", ".vscode/mcp.json", _VS_CODE),
    Block("windsurf", "Windsurf", "~/.codeium/windsurf/mcp_config.json", _WINDSURF),
    Block("zed", "Zed", "settings.json", _ZED),
    Block("curl", "curl", "Terminal", _CURL),
)


def blocks(token: str, *, api: str, mcp: str, command: str = COMMAND) -> list[Block]:
    """One for each client, for the REST API and the MCP gateway at these addresses."""
    gateway = "" if mcp == DEFAULT_URL else f', "RECURO_MCP_URL": "{_inside(mcp)}"'
    given = {
        "<token>": token,
        "<gateway>": gateway,
        "<url>": _inside(mcp),
        "<command>": command,
        "<api>": api,
    }
    return [block._replace(text=_filled(block.text, given)) for block in _BLOCKS]


def _inside(text: str) -> str:
    """As it stands between the quotes of a JSON string."""
    return json.dumps(text)[1:-1]


def _filled(text: str, given: dict[str, str]) -> str:
    for name, value in given.items():
        text = text.replace(name, value)
    return text
