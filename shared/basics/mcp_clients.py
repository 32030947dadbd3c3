"""How each MCP client is told of the gateway: what a page, `recuro mcp config` and docs/mcp.md show.

They differ in the key of the servers, the name of the URL, and whether a type must be said.
"""

import json
from typing import NamedTuple

DEFAULT_URL = "http://127.0.0.1:8001/mcp"
"""Where `recuro-mcp` looks for the gateway by itself."""
COMMAND = "recuro-mcp"
PLACEHOLDER = "your_token_here"
"""Where a token goes that nobody gave."""


class McpClient(NamedTuple):
    """A program that agents run in, and the form of its file."""

    id: str
    name: str
    place: str
    servers: str = "mcpServers"
    url: str | None = "url"
    """None for one that takes no URL."""
    http_type: str = ""
    stdio_type: str = ""

    def over_http(self, token: str, url: str) -> str | None:
        """The text of its file, None if it takes no URL."""
        if self.url is None:
            return None
        return self._file(
            *_typed(self.http_type),
            f"{_text(self.url)}: {_text(url)}",
            f'"headers": {{ "Authorization": {_text(f"Bearer {token}")} }}',
        )

    def over_stdio(self, token: str, url: str, command: str = COMMAND) -> str:
        """The text of its file, with the command of the bridge."""
        env = {"RECURO_API_TOKEN": token} | ({} if url == DEFAULT_URL else {"RECURO_MCP_URL": url})
        variables = ", ".join(f"{_text(name)}: {_text(value)}" for name, value in env.items())
        return self._file(
            *_typed(self.stdio_type), f'"command": {_text(command)}', f'"env": {{ {variables} }}'
        )

    def _file(self, *fields: str) -> str:
        entry = ",\n      ".join(fields)
        return f'{{\n  {_text(self.servers)}: {{\n    "recuro": {{\n      {entry}\n    }}\n  }}\n}}'


MCP_CLIENTS = (
    McpClient("claude-code", "Claude Code", ".mcp.json", http_type="http"),
    McpClient("claude-desktop", "Claude Desktop", "claude_desktop_config.json", url=None),
    McpClient("cursor", "Cursor", ".cursor/mcp.json"),
    McpClient("vscode", "VS Code", ".vscode/mcp.json", "servers", http_type="http", stdio_type="stdio"),
    McpClient("windsurf", "Windsurf", "~/.codeium/windsurf/mcp_config.json", url="serverUrl"),
    McpClient("zed", "Zed", "settings.json", "context_servers"),
    McpClient("gemini", "Gemini CLI", "~/.gemini/settings.json", http_type="http"),
)


def _typed(kind: str) -> tuple[str, ...]:
    return (f'"type": {_text(kind)}',) if kind else ()


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
