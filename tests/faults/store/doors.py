"""Redis hangs or is too slow at every write of REST and MCP: a client that follows the answer has it done once."""

import asyncio
import os
import re
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from shared.security import tokens
from shared.store import account_keys
from tests import dead, lost, people
from tests.faults.parts.installation import Options
from tests.faults.stage import TEAM, Scene, Stage, playing
from tests.installation import TOKEN
from tests.mcp.clients import over_http, text
from tests.writes import TOOL_WRITES, WRITES, ToolWrite, Write

DOORS = Options(services=("api", "mcp"), is_proxied=True)
KEY = "order-7"
_OF_ITS_OWN = re.compile(r"(:i:\d+:|:link:|:token:|:figures:\d+:m).*")
"""Names that end differently each time: of a ping's record, by its cron's secret, of links, tokens and minutes."""
SLOW_SECONDS = 1.3
"""Each way: together more than an interface waits for an answer."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an interface answered: done, nothing done, or unknown."""

    is_done: bool
    is_undone: bool
    is_unknown: bool
    answer: Any


Do = Callable[[], Awaitable[Said]]
Prepare = Callable[[Stage], Awaitable[Do]]
"""Makes what a write needs, and says how to do it."""
Fault = Callable[[], AbstractContextManager[None]]


async def frozen_redis_under_every_write(scene: Scene) -> None:
    """SIGSTOP while a write is on its way; it may be done when Redis continues, and again by its repeat."""
    async with playing(scene, DOORS) as stage:
        await _all_writes(stage, "SIGSTOP Redis", lambda: _frozen(stage.installation.server.pid))


async def slow_redis_under_every_write(scene: Scene) -> None:
    """Redis does it, but its answer comes when nobody waits for it any more."""
    async with playing(scene, DOORS) as stage:
        await _all_writes(stage, "slow way to Redis", lambda: _slow(stage))


@contextmanager
def _frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def _slow(stage: Stage) -> Iterator[None]:
    stage.installation.proxy.delay(SLOW_SECONDS)
    try:
        yield
    finally:
        stage.installation.proxy.delay(0)


async def _all_writes(stage: Stage, what: str, fault: Fault) -> None:
    trials: list[tuple[str, Prepare]] = [
        (str(write), _at_rest(write)) for write in WRITES if write.steps == 1
    ]
    trials += [(tool.tool, _at_mcp(tool)) for tool in TOOL_WRITES]
    unknown = [await _once(stage, prepare, f"{what} under {name}", fault) for name, prepare in trials]
    stage.no_process_ended()
    stage.story.figures |= {"writes": len(trials), "of unknown outcome": sum(unknown)}
    # The others read first, and are stopped there: tests/api/protocol/test_writes.py cuts their writes themselves.
    assert sum(unknown) > len(trials) / 3, "many go out at once"


async def _once(stage: Stage, prepare: Prepare, what: str, fault: Fault) -> bool:
    """Whether the outcome was unknown; a write that failed and was repeated has the effects of one that succeeded."""
    heard = await (await _ready(stage, prepare))()
    wanted = await _effects(stage)
    do = await _ready(stage, prepare)
    before = await _effects(stage)
    with stage.story.during(what), fault():
        unheard = await do()
    again, once_more = await do(), await do()
    assert heard.is_done, f"{what}: {heard.answer}"
    # A write that reads first may have been stopped at the read, and says so.
    assert unheard.is_unknown or unheard.is_undone, f"{what}: {unheard.answer}"
    assert again.is_done, f"{what}: {again.answer}"
    assert once_more == again, f"{what}: {once_more.answer} after {again.answer}"
    assert before != wanted, f"{what}: it has no effects"
    found = await _effects(stage)
    assert found == wanted, f"{what}: {found} is not what one leaves, {wanted}"
    return unheard.is_unknown


async def _effects(stage: Stage) -> dict[str, Any]:
    """What is stored, and how much: ids and the ledger count every effect.

    When a token was used last is noted beside the calls, at some time.
    """
    team = TEAM.id
    put_back = {  # by each process, at its next check of an empty Redis
        account_keys.sealed(),
        account_keys.seals(),
        account_keys.bootstrap(),
    }
    keys = set(await stage.redis.keys("*")) - put_back
    return {
        "keys": sorted({_OF_ITS_OWN.sub(r"\1", key) for key in keys if ":use:" not in key}),
        "counts": [await stage.redis.hgetall(f"{TEAM.prefix}{name}:{team}") for name in ("ids", "ledger")],  # type: ignore[misc]
        "settings": sorted(await stage.redis.hkeys(f"{TEAM.prefix}t:{team}")),  # type: ignore[misc]
    }


async def _ready(stage: Stage, prepare: Prepare) -> Do:
    """The request on an empty Redis with all that it needs, to an interface that knows the caller."""
    await stage.redis.flushall()
    await lost.teach(stage.redis)
    await tokens.create(stage.redis, team="default", name="faults", scopes=("admin",), token=TOKEN)
    return await prepare(stage)


def _at_rest(write: Write) -> Prepare:
    async def prepare(stage: Stage) -> Do:
        said: dict[str, Any] = {}
        await people.join(stage.redis, "default", write.members)
        for made in write.first:
            await _send(stage, made.method, made.path, made.body)
        if write.dead_letters:
            await dead.dead_letters(stage.redis, TEAM, write.dead_letters)
        for made in write.before:
            said = (await _send(stage, made.method, made.path, made.body)).json()
        path = write.path.format_map(said)
        await _send(stage, "GET", "/api/usage")

        async def do() -> Said:
            answer = await _send(stage, write.method, path, write.body, {"Idempotency-Key": KEY})
            body = answer.json()
            return _said(answer.text, body, is_done=answer.is_success)

        return do

    return prepare


async def _send(
    stage: Stage, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> Any:
    given = {} if body is None else {"json": body}
    return await asyncio.to_thread(stage.installation.client.request, method, path, headers=headers, **given)


def _at_mcp(write: ToolWrite) -> Prepare:
    async def prepare(stage: Stage) -> Do:
        for tool, arguments in (*write.before, ("list-crons", {})):
            await _call(stage, tool, arguments)

        async def do() -> Said:
            return await _call(stage, write.tool, {**write.arguments, "idempotency_key": KEY})

        return do

    return prepare


async def _call(stage: Stage, tool: str, arguments: dict[str, Any]) -> Said:
    async with over_http(stage.installation.mcp, TOKEN) as client:
        result = await client.call_tool(tool, arguments)
    return _said(text(result), text(result), is_done=not result.is_error)


def _said(text: str, answer: Any, *, is_done: bool) -> Said:
    return Said(is_done, "Storage unavailable" in text, "Outcome unknown" in text, answer)


BOUNDED = ()
LONG = (frozen_redis_under_every_write, slow_redis_under_every_write)
