"""The Lua in `shared/lua`, one Redis function library, as async functions."""

import hashlib
import re
import secrets
from collections.abc import Iterable, Sequence
from functools import cached_property
from importlib.resources import files
from typing import Any, TypeAlias

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from shared.errors import Conflict
from shared.idempotency import IdempotencyKey
from shared.store import AnswerLost, OutcomeUnknown, OutOfService, had_begun, text_of

Argument: TypeAlias = str | int | float
_LUA = files("shared").joinpath("lua")
_PARTS = (
    "call",
    "ledger",
    "damage",
    "ids",
    "changes",
    "team",
    "turns",
    "replays",
    "records",
    "executions",
    "outbox",
    "alerts",
    "usage",
    "memory",
    "verdicts",
    "fires",
    "promote",
    "jobs",
    "conclude",
    "queues",
    "rows",
    "remembered",
    "once",
)
"""Of the library, in this order: one may name what stands in those before it."""
_FLAGS = re.compile(r"^#!lua flags=([\w,-]+)\n")
_FUNCTION = "do\nlocal function work()\n{body}\nend\nregister('{name}', {{ {flags} }}, {work})\nend"
"""A function of Lua has 200 locals at most, and those of the library are many."""
_LIBRARY = "#!lua name={name}\nlocal LIBRARY, define = '{name}', redis.register_function\n"
_SCRIPT = """#!lua flags={flags}
local LIBRARY, given, arguments, chosen = '', KEYS, ARGV, nil
local function define(one)
    if one.function_name == '_{name}' then chosen = one.callback end
end
"""
_CALL = "\nreturn chosen(given, arguments)"
_DONE_BEFORE, _OF_ANOTHER = 1, -1
RANDOM_BYTES = 12
"""Of each call: 2^48 calls until two are expected to be alike."""
NAMED = "recuro_"
"""So the names of all releases' libraries begin."""


class Library:
    """Functions for Redis, named by the digest of their text: releases stand side by side."""

    def __init__(self, body: str) -> None:
        self.body = body

    @cached_property
    def name(self) -> str:
        return NAMED + hashlib.sha256(self.body.encode()).hexdigest()[:16]

    @property
    def text(self) -> str:
        return _LIBRARY.format(name=self.name) + self.body

    def script(self, function: str, flags: str) -> str:
        """A script that does what one of the functions does."""
        return _SCRIPT.format(name=function, flags=flags) + self.body + _CALL

    async def load(self, redis: Redis) -> None:
        """Make it known to Redis, if it is not yet; raises errors of AWAY."""
        try:
            await redis.function_load(self.text)  # type: ignore[misc]
        except AnswerLost as error:  # nothing of a caller's was done
            raise RedisConnectionError(str(error)) from error
        except ResponseError as error:
            if "already exists" not in str(error):
                raise


class Script:
    """A function of the library, which is loaded when Redis does not know it.

    Calls of one that is a `write` of a caller's may carry an idempotency key: what was done under it
    before is not done again, and its answer comes once more.
    """

    def __init__(self, name: str, *, write: bool = False) -> None:
        text = _LUA.joinpath(f"{name}.lua").read_text()
        flags = _FLAGS.match(text)
        self._name = name
        self._flags = flags[1] if flags else ""
        self._only_reads = "no-writes" in self._flags
        # Without flags Redis refuses the whole call, not half of it, when it is out of memory.
        self.text = _FUNCTION.format(
            body=_FLAGS.sub("", text),
            name=name,
            flags=", ".join(f"'{flag}'" for flag in self._flags.split(",") if flag),
            work="function() return once(work) end" if write else "work",
        )

    @property
    def function(self) -> str:
        """Its name in Redis."""
        return f"{library.name}_{self._name}"

    async def __call__(
        self,
        redis: Redis,
        prefix: str,
        *arguments: Argument,
        key: IdempotencyKey | None = None,
        step: int = 0,
    ) -> Any:
        """Its answer. Its keys are the shard's prefix, and the same with random bits after it.

        The second is none that holds anything: names that must never come again are made from it, also after
        a restore and in a copied installation. `step` counts the calls of one write. Raises OutcomeUnknown
        if a write went out and no answer came, and Conflict if the key was used for something else.
        """
        keys = (prefix, _fresh(prefix))
        if key is None:
            return await self._run(redis, keys, arguments)
        return _first_answer(key, await self._run(redis, (*keys, *_remembered(key, step)), arguments))

    async def _run(self, redis: Redis, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        try:
            try:
                return await redis.fcall(self.function, len(keys), *keys, *arguments)  # type: ignore[arg-type, misc]
            except ResponseError as error:
                if not is_missing(error):
                    raise
            return await self._load_and_run(redis, keys, arguments)
        except AnswerLost as error:
            raise (error if self._only_reads else OutcomeUnknown(str(error))) from error
        except ResponseError as error:
            raise (OutcomeUnknown(str(error)) if had_begun(error) else error) from error

    async def _load_and_run(self, redis: Redis, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Where Redis takes no library, for it is full or writes nothing, the call brings the text along."""
        try:
            await library.load(redis)
        except (ResponseError, OutOfService):
            script = library.script(self._name, self._flags)
            return await redis.eval(script, len(keys), *keys, *arguments)  # type: ignore[arg-type, misc]
        return await redis.fcall(self.function, len(keys), *keys, *arguments)  # type: ignore[arg-type, misc]

    def join(self, pipeline: Pipeline, prefix: str, *arguments: Argument) -> None:
        """Call it in a pipeline; its answer `is_missing` there if Redis does not know the library yet."""
        pipeline.fcall(self.function, 2, prefix, _fresh(prefix), *arguments)  # type: ignore[arg-type]


def is_missing(answer: object) -> bool:
    """Whether Redis did not know the library, and nothing was done."""
    return isinstance(answer, ResponseError) and text_of(answer) == "Function not found"


async def recall(redis: Redis, key: IdempotencyKey | None, step: int = 0) -> Any:
    """What a write answered that was done under the key, or nothing; raises Conflict as the write would."""
    if key is None:
        return None
    keys = (key.team.prefix, _fresh(key.team.prefix), *_remembered(key, step))
    return _first_answer(key, await _recall._run(redis, keys, ()))


def _remembered(key: IdempotencyKey, step: int) -> tuple[str, ...]:
    """Where what was done under the key is, and what is asked now: no keys, but named like some."""
    return key.name(step), *(key.team.prefix + digest for digest in (key.asked, *key.newer))


def _first_answer(key: IdempotencyKey, found: list[Any]) -> Any:
    """Out of what `once.lua` returns."""
    state, *answer = found
    if state == _OF_ANOTHER:
        raise Conflict("The idempotency key was used for another request; take a new one.")
    key.was_used = key.was_used or state == _DONE_BEFORE
    return answer[0] if answer else None


def _fresh(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(RANDOM_BYTES)


_recall = Script("recall")
create_jobs = Script("create_jobs", write=True)
read_jobs = Script("read_jobs")
cancel_job = Script("cancel_job", write=True)
delete_job = Script("delete_job", write=True)
page = Script("page")
save_queue = Script("save_queue", write=True)
read_queues = Script("read_queues")
delete_queue = Script("delete_queue", write=True)
save_cron = Script("save_cron", write=True)
read_crons = Script("read_crons")
list_crons = Script("list_crons")
delete_cron = Script("delete_cron", write=True)
run_cron = Script("run_cron", write=True)
ping_cron = Script("ping_cron", write=True)
due_crons = Script("due_crons")
fire_crons = Script("fire_crons")
set_crons_aside = Script("set_crons_aside")
settle_cron = Script("settle_cron")
renew_crons = Script("renew_crons")
announce_zones = Script("announce_zones")
read_executions = Script("read_executions")
find_executions = Script("find_executions")
claim = Script("claim")
finish = Script("finish")
beat = Script("beat")
admit = Script("admit")
in_flight = Script("in_flight")
rescue = Script("rescue")
promote = Script("promote")
note_memory = Script("note_memory")
prune = Script("prune")
forget = Script("forget")
read_clock = Script("read_clock")
vouch = Script("vouch")
correct = Script("correct")
read_plans = Script("read_plans")
reckon_due = Script("reckon_due")
stop_worker = Script("stop_worker")
reseal = Script("reseal")
find_owners = Script("find_owners")
find_overdue = Script("find_overdue")
retire = Script("retire")
begin_retiring = Script("begin_retiring")
patrol = Script("patrol")
patrol_crons = Script("patrol_crons")
audit = Script("audit")
mend = Script("mend")
mend_queues = Script("mend_queues")
tidy = Script("tidy")
read_ledger = Script("read_ledger")
set_team = Script("set_team", write=True)
rotate_signing = Script("rotate_signing", write=True)
replay_jobs = Script("replay_jobs", write=True)
purge_jobs = Script("purge_jobs", write=True)
start_replay = Script("start_replay", write=True)
collect_replay = Script("collect_replay", write=True)
step_replay = Script("step_replay")
cancel_replay = Script("cancel_replay", write=True)
read_replays = Script("read_replays")
hold_host = Script("hold_host")
probe_host = Script("probe_host")
free_host = Script("free_host")
say_alive = Script("say_alive")
read_alerts = Script("read_alerts")
retire_alerts = Script("retire_alerts")
test_channel = Script("test_channel", write=True)


def _body(scripts: Iterable[Script]) -> str:
    parts = (_LUA.joinpath("lib", f"{part}.lua").read_text() for part in _PARTS)
    return "\n".join((*parts, *(script.text for script in scripts)))


library = Library(_body([script for script in globals().values() if isinstance(script, Script)]))
