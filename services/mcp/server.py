"""The MCP server: lists the tools, checks arguments, runs a tool, and turns failures into tool errors."""

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import structlog
from mcp.server import CacheHint, Server, ServerRequestContext
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)
from pydantic import ValidationError
from redis.asyncio import Redis
from starlette.requests import Request

from services.mcp import tolerance
from services.mcp.excerpts import OUTSIDE
from services.mcp.listing import LISTING
from services.mcp.tools import TOOLS, Tool
from shared.errors import Forbidden, Invalid, RecuroError, TooManyCalls
from shared.operations import Call
from shared.runtime.waiting.waits import Ending
from shared.schemas import validation
from shared.schemas.base import Schema
from shared.security import refusals
from shared.security.admission import Admission
from shared.security.caller import Caller
from shared.security.meter import Meter
from shared.security.uses import Uses
from shared.security.vault import Vault
from shared.store.connection import AWAY, OutcomeUnknown
from shared.store.idempotency import IdempotencyKey
from shared.store.keyspace import Team
from shared.version import VERSION

Context = ServerRequestContext[dict[str, Any], Any]
CallTool = Callable[[Context, CallToolRequestParams], Awaitable[CallToolResult]]
List = Callable[[Context, PaginatedRequestParams | None], Awaitable[ListToolsResult]]

INSTRUCTIONS = (
    "Recuro calls HTTP endpoints: crons again and again on a schedule, jobs once from a named queue. "
    f"Everything belongs to the token's team; IDs are integers; times are UTC. {OUTSIDE}"
)
CLIENT_CHARACTERS = 100
MAX_SENTENCES = 20  # a wrong list of arguments must not flood the agent's context
_LISTING_FRESH = CacheHint(ttl_ms=300_000, scope="public")

log = structlog.get_logger()


async def list_own(_ctx: Context, _params: PaginatedRequestParams | None) -> ListToolsResult:
    return ListToolsResult(tools=list(LISTING.values()))


def build(call: CallTool, list_tools: List = list_own) -> Server[dict[str, Any]]:
    """A server that lists our tools and passes every call to `call`."""
    return Server(
        "recuro",
        version=VERSION,
        title="Recuro",
        instructions=INSTRUCTIONS,
        cache_hints={"tools/list": _LISTING_FRESH, "server/discover": _LISTING_FRESH},
        # Without this the SDK lists all tools before each call to find the tool's schema.
        get_tool_input_schema=lambda name: LISTING[name].input_schema if name in LISTING else None,
        on_list_tools=list_tools,
        on_call_tool=call,
    )


def client_of(ctx: Context) -> str:
    """What the caller's program calls itself: in the protocol, or else in its request."""
    params = ctx.session.client_params
    if params is not None:
        return f"{params.client_info.name} {params.client_info.version}"[:CLIENT_CHARACTERS]
    request: Request | None = ctx.request
    return request.headers.get("user-agent", "")[:CLIENT_CHARACTERS] if request else ""


class Asked(NamedTuple):
    """What is known of the request that a call came with, and where it is noted that it was refused."""

    id: str = ""
    client: str = ""
    uses: Uses | None = None
    ending: Ending | None = None
    """How it can wait for the end of what it is about."""


UNKNOWN = Asked()
"""Of a call that came with no request."""


async def answer(
    redis: Redis,
    admission: Admission,
    caller: Caller | None,
    params: CallToolRequestParams,
    asked: Asked = UNKNOWN,
) -> CallToolResult:
    """Run one tool; `caller` is None while Redis is away and no token can be looked up. Never raises."""
    began = time.perf_counter()
    result = await _answer(redis, admission, caller, params, asked)
    log.info(
        "tool_called",
        tool=params.name if params.name in TOOLS else None,
        team=caller.team.id if caller else None,
        outcome=_code(result),
        duration_ms=round((time.perf_counter() - began) * 1000),
        request_id=asked.id,
    )
    return result


async def _answer(
    redis: Redis,
    admission: Admission,
    caller: Caller | None,
    params: CallToolRequestParams,
    asked: Asked,
) -> CallToolResult:
    row = TOOLS.get(params.name)
    if row is None:
        return failed("unknown_tool", f"Unknown tool {params.name[:80]!r}. Tools: {', '.join(TOOLS)}")
    try:
        given = tolerance.read(row.model, params.arguments or {}, null_clears=row.null_clears)
        arguments = row.model.model_validate(given)
    except ValidationError as error:
        return _refused(params.name, validation.by_field(error, row.model))
    if caller is None:
        return _away()
    try:
        key = _key_of(row, caller.team, arguments, admission.vault)
        call = Call(
            *(caller, redis, admission.vault, "mcp", row.name),
            request_id=asked.id,
            key=key,
            client=asked.client,
            ending=asked.ending,
        )
        return _succeeded(await _run(row, call, admission, arguments), key)
    except Invalid as error:
        return _refused(params.name, {error.field: [str(error)]})
    except RecuroError as error:
        return _failed(error, caller, asked.uses)
    except AWAY as error:
        return _unknown(row, arguments) if isinstance(error, OutcomeUnknown) else _away()
    except Exception:
        # The SDK would send str(exception) to clients of the 2025 protocols.
        log.exception("tool_crashed", tool=params.name)
        return failed("internal", "Internal error")


async def _run(row: Tool[Any], call: Call, admission: Admission, arguments: Schema) -> Schema:
    """What the tool answers, if the token covers the call."""
    limits = call.limits
    call.caller.may(row.scope)
    if limits and limits.is_counted:
        call = replace(call, meter=Meter(call.redis, call.caller.digest, limits))
        await call.count_call()
    return await row.run(call, admission.within(limits).admit(call.team, arguments))


def _failed(error: RecuroError, caller: Caller, uses: Uses | None) -> CallToolResult:
    refusals.count(error)
    if uses and isinstance(error, Forbidden | TooManyCalls):
        uses.note_refusal(caller.digest, error.reason)
    return failed(_snake(type(error).__name__), f"{str(error).removesuffix('.')}. {error.hint}".strip())


def failed(code: str, text: str, errors: Mapping[str, list[str]] | None = None) -> CallToolResult:
    """A tool error: text for the agent, a code (and sentences by field) for programs.

    Never structured content: the TypeScript SDK 1 validates it by the schema of a success and throws.
    """
    problem: dict[str, Any] = {"code": code, **({"errors": errors} if errors else {})}
    return CallToolResult(
        content=[TextContent(type="text", text=text)], is_error=True, _meta={"recuro/error": problem}
    )


def _key_of(row: Tool[Any], team: Team, arguments: Schema, vault: Vault) -> IdempotencyKey | None:
    text: str | None = getattr(arguments, "idempotency_key", None)
    if text is None:
        return None
    request = arguments.model_dump_json(exclude_unset=True, exclude={"idempotency_key"})
    return IdempotencyKey.of(team, text, vault.digests(row.name, request))


def _succeeded(answered: Schema, key: IdempotencyKey | None) -> CallToolResult:
    # A dict, not the model: the SDK drops null fields of models, and the schema requires them.
    return CallToolResult(
        content=[TextContent(type="text", text=answered.model_dump_json())],
        structured_content=answered.model_dump(mode="json"),
        _meta={"recuro/replayed": True} if key and key.was_used else None,
    )


def _refused(tool: str, errors: Mapping[str, list[str]]) -> CallToolResult:
    sentences = [f"- {field}: {sentence}" for field, found in errors.items() for sentence in found]
    shown = sentences[:MAX_SENTENCES]
    if len(sentences) > len(shown):
        shown.append(f"- and {len(sentences) - len(shown)} more")
    text = "\n".join(
        [f"Invalid arguments for {tool}. Nothing was done; correct these and call again:", *shown]
    )
    return failed("invalid_arguments", text, dict(list(errors.items())[:MAX_SENTENCES]))


def _away() -> CallToolResult:
    return failed("unavailable", "Storage unavailable; nothing was done. Try again in a moment.")


def _unknown(row: Tool[Any], arguments: Schema) -> CallToolResult:
    """Never says "try again": a client that follows would do it twice."""
    way = (
        "Call it once more with the same idempotency_key: nothing is done twice, and you get its answer."
        if getattr(arguments, "idempotency_key", None)
        else f"Look with {row.look} before you call it again; with an idempotency_key you could repeat it."
    )
    text = f"Outcome unknown: the storage did not answer, so {row.name} may have been done. {way}"
    return failed("outcome_unknown", text)


def _snake(name: str) -> str:
    return re.sub(r"\B(?=[A-Z])", "_", name).lower()


def _code(result: CallToolResult) -> str:
    return result.meta["recuro/error"]["code"] if result.is_error and result.meta else "ok"
