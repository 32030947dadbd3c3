"""The bridge: what it answers by itself, and what it passes on, each message in a thread of its own."""

import base64
import json
import os
import re
import threading
from functools import cache
from pathlib import Path
from typing import Any

from recuro_mcp import VERSION, wrong
from recuro_mcp.gateway import Cancelled, Exchange, Gateway, Refused
from recuro_mcp.lines import Message, Misread, read

UNAUTHENTICATED, UNREACHABLE = -32010, -32011
MOST_AT_ONCE = 64
"""Messages on their way; further lines wait."""
_NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_CALL = "tools/call"
_PLAIN = re.compile(r"[!-~](?:[ -~]*[!-~])?")


class Bridge:
    """Takes a host's lines in its one thread, and writes answers from many."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._version = ""
        self._user_agent = f"recuro-mcp/{VERSION}"
        self._under_way: dict[int | str, Exchange] = {}
        self._places = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._writing = threading.Lock()

    def take(self, line: bytes) -> None:
        """Answer a line, now or when the gateway has."""
        try:
            message = read(line)
        except Misread as error:
            self._write({"id": error.id, "error": {"code": error.code, "message": str(error)}})
            return
        if message is None:
            return
        if message.id is None:
            if message.method == "notifications/cancelled":
                self._cancel(message)
        elif (result := self._own_answer(message)) is not None:
            self._write({"id": message.id, "result": result})
        else:
            self._places.acquire()
            exchange = self._under_way[message.id] = Exchange()
            threading.Thread(target=self._pass_on, args=(message, message.id, exchange), daemon=True).start()

    def _own_answer(self, message: Message) -> dict[str, Any] | None:
        """A host starts by these: the answer must not depend on a gateway that may be away."""
        if message.method == "initialize":
            return self._initialized(message.params)
        if message.method == "server/discover":
            discovered: dict[str, Any] = own()["server/discover"]
            return discovered if message.version in discovered["supportedVersions"] else None
        return {} if message.method == "ping" and not message.version else None

    def _initialized(self, params: dict[str, Any]) -> dict[str, Any]:
        asked, client = params.get("protocolVersion"), params.get("clientInfo")
        versions: list[str] = own()["versions"]
        self._version = asked if asked in versions else versions[-1]
        if isinstance(client, dict):
            named = f"{client.get('name')} {client.get('version')} recuro-mcp/{VERSION}"
            self._user_agent = named if _PLAIN.fullmatch(named) else self._user_agent
        return {**own()["initialize"], "protocolVersion": self._version}

    def _cancel(self, message: Message) -> None:
        id_ = message.params.get("requestId")
        exchange = self._under_way.get(id_) if isinstance(id_, int | str) else None
        if exchange:
            exchange.cancel()

    def _pass_on(self, message: Message, id_: int | str, exchange: Exchange) -> None:
        try:
            answer = self._answer(message, id_, exchange)
        except Cancelled:
            return
        except Exception as error:  # without an answer the host would wait for ever
            answer = _failed(message, id_, f"recuro-mcp failed: {error!r}. {wrong.UNKNOWN}")
        finally:
            if self._under_way.get(id_) is exchange:
                del self._under_way[id_]
            self._places.release()
        if not exchange.is_cancelled:
            self._write(answer)

    def _answer(self, message: Message, id_: int | str, exchange: Exchange) -> dict[str, Any] | bytes:
        if not self._gateway.has_token:
            said = f"There is no usable API token. {wrong.SET_TOKEN}"
            return _failed(message, id_, said, UNAUTHENTICATED)
        try:
            content = self._gateway.post(message.line, self._headers(message), exchange)
        except Refused as error:
            return _failed(message, id_, str(error))
        answer: dict[str, Any] = json.loads(content)
        is_answer = answer.get("id") == id_
        if is_answer and ("result" in answer or message.method != _CALL):
            return content
        found = answer.get("error")
        problem = found if isinstance(found, dict) else {"message": "The gateway answered something else."}
        code, said = problem.get("code"), str(problem.get("message"))
        if code == UNAUTHENTICATED:
            said = f"{said.partition('.')[0]}. {wrong.SET_TOKEN}"  # the rest is for hosts that set headers
        return _failed(message, id_, said, code if isinstance(code, int) else UNREACHABLE)

    def _headers(self, message: Message) -> dict[str, str]:
        version = message.version or self._version
        found = {
            "User-Agent": self._user_agent,
            **({"MCP-Protocol-Version": _in_header(version)} if version else {}),
        }
        if message.version:
            found["Mcp-Method"] = _in_header(message.method)
            named = message.params.get(_NAMED.get(message.method, ""))
            if isinstance(named, str):
                found["Mcp-Name"] = _in_header(named)
        return found

    def _write(self, answer: dict[str, Any] | bytes) -> None:
        if isinstance(answer, dict):
            answer = json.dumps({"jsonrpc": "2.0", **answer}, separators=(",", ":")).encode()
        # JSON has line ends only between its parts.
        left = answer.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"
        with self._writing:
            try:
                while left:
                    left = left[os.write(1, left) :]
            except BrokenPipeError:
                os._exit(0)  # the host has gone


def _failed(message: Message, id_: int | str, said: str, code: int = UNREACHABLE) -> dict[str, Any]:
    """A tool error for a call, so that the agent reads it; our own list for a list; else an error."""
    extra = {"resultType": "complete"} if message.version else {}
    if message.method == _CALL:
        kind = "unauthenticated" if code == UNAUTHENTICATED else "gateway"
        text = {"content": [{"type": "text", "text": said}], "isError": True}
        return {"id": id_, "result": {**text, "_meta": {"recuro/error": {"code": kind}}, **extra}}
    if message.method.endswith("/list") and message.method in own():
        fresh = {"ttlMs": 0, "cacheScope": "private"} if message.version else {}
        return {"id": id_, "result": {**own()[message.method], **extra, **fresh}}
    return {"id": id_, "error": {"code": code, "message": said}}


@cache
def own() -> dict[str, Any]:
    """What the gateway of this version says of itself and lists, by method."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "own.json").read_bytes())
    return found


def _in_header(text: str) -> str:
    """As the protocol writes in a header what cannot stand there."""
    is_plain = _PLAIN.fullmatch(text) and not text.startswith("=?base64?")
    return text if is_plain else f"=?base64?{base64.b64encode(text.encode()).decode()}?="
