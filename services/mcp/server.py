"""The MCP server: lists the tools, checks arguments, runs a tool, and turns failures into tool errors."""

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import structlog
from mcp.server import CacheHint, Server, ServerRequestContext
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListToolsResult,
    PaginatedRequestParams,
)
from pydantic import ValidationError
from redis.asyncio import Redis

from services.mcp import budgets, direct, outside, prompts, reasons, results, rights, tolerance
from services.mcp.excerpts import OUTSIDE
from services.mcp.results import failed as failed
from services.mcp.tools import TOOLS, Tool
from shared.errors import Invalid, RecuroError
from shared.operations import Call
from shared.runtime.waiting.ending import Ending
from shared.schemas import validation
from shared.schemas.base import Schema
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
    "Everything belongs to the token's team; IDs are integers; times are UTC. "
    f"`reason` of a tool that writes says why, for the audit trail. {OUTSIDE}"
)
CLIENT_CHARACTERS = 100
_SAME_FOR_ALL = CacheHint(ttl_ms=300_000, scope="public")

log = structlog.get_logger()


async def list_own(_ctx: Context, _params: PaginatedRequestParams | None) -> ListToolsResult:
    return rights.listed(None)


def build(
    call: CallTool,
    list_tools: List = list_own,
    list_prompts: prompts.List = prompts.list_own,
    get_prompt: prompts.Get = prompts.get_own,
) -> Server[dict[str, Any]]:
    """A server that lists our tools and prompts and passes every call to `call`."""
    server = Server[dict[str, Any]](
        "recuro",
        version=VERSION,
        title="Recuro",
        instructions=INSTRUCTIONS,
        cache_hints={"server/discover": _SAME_FOR_ALL},
        # No argument of ours is sent as a header too. Without this the SDK lists all tools before each call
        # to find that out, and with a schema it walks through that.
        get_tool_input_schema=lambda _name: None,
        on_list_tools=list_tools,
        on_call_tool=call,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
    )
    server.middleware.clear()  # its spans go nowhere, and cost a twentieth of a call
    return server


class Asker(NamedTuple):
    """Who asks: None while Redis is away and no token can be looked up."""

    caller: Caller | None
    reads_only: bool = False
    """Whether it came by the address that is for reading only."""


def build_for(call: CallTool, asker_of: Callable[[Context], Asker]) -> Server[dict[str, Any]]:
    """The same, which lists for each what it can use."""

    async def list_tools(ctx: Context, _params: PaginatedRequestParams | None) -> ListToolsResult:
        asker = asker_of(ctx)
        return rights.listed(asker.caller, reads_only=asker.reads_only)

    def can_use(ctx: Context) -> prompts.CanUse:
        asker = asker_of(ctx)
        return rights.usable(asker.caller, reads_only=asker.reads_only)

    async def list_prompts(ctx: Context, _params: PaginatedRequestParams | None) -> ListPromptsResult:
        return prompts.listed(can_use(ctx), ttl_ms=rights.FRESH_MS if asker_of(ctx).caller else 0)

    async def get_prompt(ctx: Context, params: GetPromptRequestParams) -> GetPromptResult:
        return prompts.told(params, can_use(ctx))

    return build(call, list_tools, list_prompts, get_prompt)


def client_of(ctx: Context) -> str:
    """What the caller's program calls itself: in the protocol, or else in its request."""
    params, request = ctx.session.client_params, ctx.request
    if params is not None:
        name = f"{params.client_info.name} {params.client_info.version}"
    else:
        name = (direct.client_of(request.scope) or request.headers.get("user-agent", "")) if request else ""
    return outside.clean(name).strip()[:CLIENT_CHARACTERS]


class Asked(NamedTuple):
    """What is known of the request that a call came with, and where it is noted that it was refused."""

    id: str = ""
    client: str = ""
    uses: Uses | None = None
    ending: Ending | None = None
    """How it can wait for the end of what it is about."""
    reads_only: bool = False
    """Whether it came by the address that is for reading only."""


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
        outcome=results.code_of(result),
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
        return results.failed("unknown_tool", f"Unknown tool {params.name[:80]!r}. Tools: {', '.join(TOOLS)}")
    meter = _meter(redis, caller)
    try:
        return await _run(row, _Door(redis, admission, caller, meter), params.arguments or {}, asked)
    except Invalid as error:
        return results.refused(params.name, {error.field: [str(error)]})
    except RecuroError as error:
        return results.refusal(error, caller, asked.uses, budgets.left(meter))
    except AWAY as error:
        return results.unknown(row, params.arguments) if isinstance(error, OutcomeUnknown) else results.away()
    except Exception:
        # The SDK would send str(exception) to clients of the 2025 protocols.
        log.exception("tool_crashed", tool=params.name)
        return results.failed("internal", "Internal error")


class _Door(NamedTuple):
    """Who calls, and what a call works with."""

    redis: Redis
    admission: Admission
    caller: Caller | None
    meter: Meter | None


async def _run(row: Tool[Any], door: _Door, given: Mapping[str, Any], asked: Asked) -> CallToolResult:
    """What the tool answers, if the token covers the call."""
    redis, admission, caller, meter = door
    if caller:
        rights.check(row, caller, reads_only=asked.reads_only)
    given, reason = reasons.split(row, given)
    try:
        read = tolerance.read(row.model, given, null_clears=row.null_clears)
        arguments = row.model.model_validate(read)
    except ValidationError as error:
        return results.refused(row.name, validation.by_field(error, row.model))
    if caller is None:
        return results.away()
    key = _key_of(row, caller.team, arguments, admission.vault)
    call = Call(
        *(caller, redis, admission.vault, "mcp", row.name),
        request_id=asked.id,
        key=key,
        client=asked.client,
        reason=reason,
        meter=meter,
        ending=asked.ending,
    )
    await call.count_call()
    admitted = admission.within(call.limits).admit(call.team, arguments)
    return results.succeeded(row, await row.run(call, admitted), key)


def _meter(redis: Redis, caller: Caller | None) -> Meter | None:
    if caller is None or caller.limits is None or not caller.limits.is_counted:
        return None
    return Meter(redis, caller.digest, caller.limits)


def _key_of(row: Tool[Any], team: Team, arguments: Schema, vault: Vault) -> IdempotencyKey | None:
    text: str | None = getattr(arguments, "idempotency_key", None)
    if text is None:
        return None
    request = arguments.model_dump_json(exclude_unset=True, exclude={"idempotency_key"})
    return IdempotencyKey.of(team, text, vault.digests(row.name, request))
