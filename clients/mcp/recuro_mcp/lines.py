"""The lines of a host: messages of JSON-RPC, and the answer to a line that is none."""

import json
from dataclasses import dataclass, field
from typing import Any, NoReturn

PARSE_ERROR, INVALID_REQUEST = -32700, -32600
_VERSION = "io.modelcontextprotocol/protocolVersion"


class Misread(Exception):
    """The line is no message."""

    def __init__(self, code: int, message: str, id_: int | str | None = None) -> None:
        super().__init__(message)
        self.code, self.id = code, id_


@dataclass(frozen=True)
class Message:
    """A request, or a notification, which has no id; a host's answer has no method either."""

    line: bytes
    method: str
    id: int | str | None = None
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def version(self) -> str | None:
        """The version that it is in by itself, which only messages from 2026-07-28 on say."""
        meta = self.params.get("_meta")
        said = meta.get(_VERSION) if isinstance(meta, dict) else None
        return said if isinstance(said, str) else None


def read(line: bytes) -> Message | None:
    """The message of a line, None for one that wants nothing; raises Misread."""
    if not line.strip():
        return None
    try:
        found = json.loads(line.decode(), parse_constant=_no_json)
    except (ValueError, RecursionError):
        raise Misread(PARSE_ERROR, "Parse error: a line must hold one message, as JSON") from None
    message = found if isinstance(found, dict) else {}
    id_, method, params = message.get("id"), message.get("method"), message.get("params", {})
    is_id = type(id_) in (int, str)
    if (
        message.get("jsonrpc") == "2.0"
        and "method" not in message
        and ("result" in message or "error" in message)
    ):
        return None  # an answer, and nothing was asked
    is_sound = message.get("jsonrpc") == "2.0" and isinstance(params, dict)
    if not is_sound or not isinstance(method, str) or ("id" in message and not is_id):
        said = "Invalid request: the line is JSON, and no JSON-RPC 2.0 message"
        raise Misread(INVALID_REQUEST, said, id_ if is_id else None)
    return Message(line.strip(), method, id_ if is_id else None, params)


def _no_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
