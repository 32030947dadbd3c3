"""`recuro mcp config`: prints what tells an MCP client of the gateway, on standard output nothing else."""

import argparse
import os
import shutil
import sys
from pathlib import Path

from shared.basics.mcp_clients import COMMAND, DEFAULT_URL, MCP_CLIENTS, PLACEHOLDER, McpClient


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--client", choices=[one.id for one in MCP_CLIENTS], required=True)
    parser.add_argument(
        "--url",
        default=os.environ.get("RECURO_MCP_URL") or DEFAULT_URL,
        help="where the gateway is (%(default)s)",
    )
    parser.add_argument("--token", help="the API token; else RECURO_API_TOKEN, else a placeholder")
    parser.add_argument("--stdio", action="store_true", help="by a command, recuro-mcp, instead of the URL")


def run(arguments: argparse.Namespace) -> int:
    client = next(one for one in MCP_CLIENTS if one.id == arguments.client)
    token = arguments.token or os.environ.get("RECURO_API_TOKEN") or PLACEHOLDER
    print(block(client, token, arguments.url, is_stdio=arguments.stdio))
    print(f"# For {client.name}: {client.place}", file=sys.stderr)
    if not arguments.stdio and client.over_http(token, arguments.url) is None:
        print(f"# {client.name} takes no URL, so it starts {COMMAND}.", file=sys.stderr)
    if token == PLACEHOLDER:
        print(f"# Make a token for {token}: recuro token create --name agent", file=sys.stderr)
    return 0


def block(client: McpClient, token: str, url: str, *, is_stdio: bool = False) -> str:
    """What a client reads: the URL, or the command where it takes none or `is_stdio`."""
    over_http = None if is_stdio else client.over_http(token, url)
    return over_http or client.over_stdio(token, url, _command())


def _command() -> str:
    """Where it was installed with us: the path of a host is rarely that of a shell."""
    beside = Path(sys.argv[0]).parent / COMMAND
    return str(beside.absolute()) if beside.is_file() else shutil.which(COMMAND) or COMMAND
