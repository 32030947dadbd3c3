"""What an agent reads without an answer of a gateway: what is wrong, what was done, what to set."""

import json
import socket
from typing import NamedTuple

UNKNOWN = (
    "Outcome unknown: a tool that writes may have done so. Call it once more with the same idempotency_key, "
    "or list first to see."
)
REMEDY = "Set RECURO_MCP_URL to the address of the gateway, as in http://127.0.0.1:8001/mcp."
SET_TOKEN = (
    "Set RECURO_API_TOKEN (or MCP_API_TOKEN) in the env of this server's entry in the MCP configuration, "
    "then restart it."
)
_SHOWN = 200
_MOVED = (301, 302, 303, 307, 308)


class Answer(NamedTuple):
    """What came back."""

    status: int
    kind: str
    content: bytes
    target: str | None = None
    """Where it leads to."""


def without_connection(url: str, error: Exception) -> str:
    """Nothing was sent."""
    where = f"{url} (RECURO_MCP_URL)"
    if isinstance(error, socket.gaierror | UnicodeError):
        return f"The host name of {where} is not known. Nothing was done. {REMEDY}"
    if type(error).__name__ == "SSLCertVerificationError":
        return (
            f"The certificate of {where} is not trusted: {error}. Set SSL_CERT_FILE to the CA that signed it."
        )
    if is_of_tls(error):
        return f"{where} does not speak TLS: {error}. If it serves plain HTTP, write http:// there."
    return f"The Recuro gateway at {where} cannot be reached. Nothing was done. Is it running? {REMEDY}"


def without_answer(url: str, how: str) -> str:
    """It was sent, or a part of it."""
    return f"The Recuro gateway at {url} did not answer {how}. {UNKNOWN}"


def without_http(url: str) -> str:
    return f"{url} does not answer as HTTP. If it serves TLS, write https:// in RECURO_MCP_URL."


def with_answer(url: str, answer: Answer) -> str | None:
    """What is wrong with an answer that is not from a gateway; None if it may be from one."""
    said = message_of(answer.content)
    status, start = answer.status, answer.content[:_SHOWN].decode(errors="replace")
    if status in (404, 405) and (not said or said.get("id") is None):
        return f"{url} answered {status}: MCP is not served there. {REMEDY}"
    if answer.target and status in _MOVED:
        return f"{url} answered {status} and leads to {answer.target}: set RECURO_MCP_URL to that."
    if said:
        return None
    if status >= 500:
        return f"{url} answered {status} {start!r}; is the gateway running? {UNKNOWN}"
    what = "a web page" if answer.kind == "text/html" else repr(start)
    return f"{url} answered {status} with {what}, which no gateway does. {REMEDY}"


def message_of(content: bytes) -> dict[str, object] | None:
    """The JSON-RPC message that it is, if it is one."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and "jsonrpc" in found else None


def is_of_tls(error: Exception) -> bool:
    """By its name, as `ssl` is imported only where TLS is spoken."""
    return any(kind.__name__ == "SSLError" for kind in type(error).__mro__)
