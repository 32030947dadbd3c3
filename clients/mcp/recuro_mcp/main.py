"""`recuro-mcp`: MCP on standard input and output, passed on to the gateway."""

import argparse
import os
import signal
import sys

from recuro_mcp.address import Address, NoAddress
from recuro_mcp.bridge import Bridge
from recuro_mcp.gateway import Gateway

DEFAULT_URL = "http://127.0.0.1:8001/mcp"


def main() -> None:
    """Serve until the input ends; exit with one line if the address of the gateway is none."""
    argparse.ArgumentParser(
        prog="recuro-mcp",
        description="MCP on standard input and output, passed on to the Recuro gateway. MCP hosts start it.",
        epilog=f"It reads RECURO_API_TOKEN (or MCP_API_TOKEN), and RECURO_MCP_URL ({DEFAULT_URL}).",
    ).parse_args()
    try:
        address = Address.of(_setting("RECURO_MCP_URL") or DEFAULT_URL)
    except NoAddress as error:
        sys.exit(f"RECURO_MCP_URL {error}; it looks like {DEFAULT_URL}")
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback: it is how hosts end us
    bridge = Bridge(Gateway(address, _setting("RECURO_API_TOKEN") or _setting("MCP_API_TOKEN")))
    for line in sys.stdin.buffer:
        bridge.take(line)
    os._exit(0)  # calls under way have nobody left to answer to


def _setting(name: str) -> str:
    return os.environ.get(name, "").strip()
