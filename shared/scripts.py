"""The Lua scripts in `shared/lua`, as async functions."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import NoScriptError, ResponseError

from shared.errors import Conflict
from shared.idempotency import IdempotencyKey
from shared.store import AnswerLost, OutcomeUnknown, had_begun

_LUA = files("shared").joinpath("lua")
_LIBRARIES = (
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
)
"""In this order: one may name what stands in those before it."""
_COMMENT = re.compile(r"--.*")
_WORD = re.compile(r"[A-Za-z_]\w*")
_DEFINED = re.compile(r"^local (?:function (\w+)|([\w, ]+))", re.MULTILINE)
_SHEBANG = "#!lua"
_ONCE = "{remembered}\nlocal REFUSED = true\nlocal function work()\n{body}\nend\n{once}"
_ITSELF = "local function work()\n{body}\nend\nreturn work()"
"""A function of Lua has 200 locals at most, and those of the libraries are many."""
_DONE_BEFORE, _OF_ANOTHER = 1, -1
RANDOM_BYTES = 12
"""Of each script's call: 2^48 calls until two are expected to be alike."""


class Script:
    """Run by its digest; the text travels only when Redis does not know it yet.

    Before its body stand the libraries that it names something of, for each call pays for what is there;
    `uses` names those that few scripts need. Calls of one that is a `write` of a caller's may carry an
    idempotency key: what was done under it before is not done again, and its answer comes once more.
    """

    def __init__(self, name: str, *uses: str, write: bool = False) -> None:
        body = _LUA.joinpath(f"{name}.lua").read_text()
        first, _, rest = body.partition("\n")
        # `#!lua` also makes Redis refuse the whole script, not half of it, when it is out of memory.
        shebang, body = (first, rest) if first.startswith(_SHEBANG) else (_SHEBANG, body)
        if write:
            body = _ONCE.format(body=body, remembered=_library("remembered"), once=_library("once"))
        else:
            body = _ITSELF.format(body=body)
        self.text = "\n".join([shebang, *_named((*_LIBRARIES, *uses), body), body])
        self.digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()
        self._only_reads = "no-writes" in shebang

    async def __call__(
        self,
        redis: Redis,
        prefix: str,
        *arguments: str | int | float,
        key: IdempotencyKey | None = None,
        step: int = 0,
    ) -> Any:
        """The script's answer. Its keys are the shard's prefix, and the same with random bits after it.

        The second is none that holds anything: names that must never come again are made from it, also after
        a restore and in a copied installation. `step` counts the scripts of one write. Raises OutcomeUnknown
        if a write went out and no answer came, and Conflict if the key was used for something else.
        """
        keys = (prefix, _fresh(prefix))
        if key is None:
            return await self._run(redis, keys, arguments)
        return _first_answer(key, await self._run(redis, (*keys, *_remembered(key, step)), arguments))

    async def _run(self, redis: Redis, keys: Sequence[str], arguments: Sequence[str | int | float]) -> Any:
        try:
            try:
                return await redis.evalsha(self.digest, len(keys), *keys, *arguments)  # type: ignore[arg-type, misc]
            except NoScriptError:
                return await redis.eval(self.text, len(keys), *keys, *arguments)  # type: ignore[arg-type, misc]
        except AnswerLost as error:
            raise (error if self._only_reads else OutcomeUnknown(str(error))) from error
        except ResponseError as error:
            raise (OutcomeUnknown(str(error)) if had_begun(error) else error) from error

    def join(self, pipeline: Pipeline, prefix: str, *arguments: str | int | float) -> None:
        """Run it in a pipeline; there it answers a NoScriptError if Redis does not know it yet."""
        pipeline.evalsha(self.digest, 2, prefix, _fresh(prefix), *arguments)  # type: ignore[arg-type]


async def recall(redis: Redis, key: IdempotencyKey | None, step: int = 0) -> Any:
    """What a write answered that was done under the key, or nothing; raises Conflict as the write would."""
    if key is None:
        return None
    keys = (key.team.prefix, _fresh(key.team.prefix), *_remembered(key, step))
    return _first_answer(key, await _recall._run(redis, keys, ()))


@lru_cache(32)
def _library(name: str) -> str:
    return _LUA.joinpath("lib", f"{name}.lua").read_text()


def _named(libraries: Sequence[str], body: str) -> list[str]:
    """The texts of those that the body names something of, and of those that these do."""
    needed, named = {"ledger"}, _words(body) | _words(_library("ledger"))
    while more := {name for name in libraries if name not in needed and _defined(name) & named}:
        needed |= more
        named = named.union(*(_words(_library(name)) for name in more))
    return [_library(name) for name in libraries if name in needed]


@lru_cache(32)
def _defined(library: str) -> frozenset[str]:
    """What stands outside of every function and block of it."""
    found = _DEFINED.findall(_library(library))
    return frozenset(word for one, some in found for word in _WORD.findall(one or some))


@lru_cache(32)
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(_COMMENT.sub("", text)))


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


_recall = Script("recall", "remembered")
create_jobs = Script("create_jobs", "queues", write=True)
read_jobs = Script("read_jobs", "rows")
cancel_job = Script("cancel_job", "rows", write=True)
delete_job = Script("delete_job", write=True)
page = Script("page")
save_queue = Script("save_queue", "rows", "queues", write=True)
read_queues = Script("read_queues", "rows")
delete_queue = Script("delete_queue", write=True)
save_cron = Script("save_cron", write=True)
read_crons = Script("read_crons")
list_crons = Script("list_crons", "rows")
delete_cron = Script("delete_cron", write=True)
run_cron = Script("run_cron", write=True)
ping_cron = Script("ping_cron", write=True)
due_crons = Script("due_crons")
fire_crons = Script("fire_crons")
set_crons_aside = Script("set_crons_aside")
settle_cron = Script("settle_cron")
renew_crons = Script("renew_crons")
announce_zones = Script("announce_zones")
read_executions = Script("read_executions", "rows")
find_executions = Script("find_executions", "rows")
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
mend_queues = Script("mend_queues", "queues")
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
