"""The Lua scripts in `shared/lua`, as async functions."""

import hashlib
import secrets
from importlib.resources import files
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import NoScriptError

_LUA = files("shared").joinpath("lua")
_LIBRARIES = (
    "ledger",
    "changes",
    "team",
    "turns",
    "replays",
    "records",
    "executions",
    "outbox",
    "alerts",
    "usage",
    "verdicts",
    "fires",
    "promote",
    "jobs",
    "conclude",
)
_SHEBANG = "#!lua"
RANDOM_BYTES = 12
"""Of each script's call: 2^48 calls until two are expected to be alike."""


class Script:
    """Run by its digest; the text travels only when Redis does not know it yet."""

    def __init__(self, name: str) -> None:
        body = _LUA.joinpath(f"{name}.lua").read_text()
        first, _, rest = body.partition("\n")
        # `#!lua` also makes Redis refuse the whole script, not half of it, when it is out of memory.
        shebang, body = (first, rest) if first.startswith(_SHEBANG) else (_SHEBANG, body)
        libraries = [_LUA.joinpath("lib", f"{library}.lua").read_text() for library in _LIBRARIES]
        self.text = "\n".join([shebang, *libraries, body])
        self.digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, redis: Redis, prefix: str, *arguments: str | int | float) -> Any:
        """The script's answer. Its keys are the shard's prefix, and the same with random bits after it.

        The second is none that holds anything: names that must never come again are made from it, also after
        a restore and in a copied installation.
        """
        keys = (prefix, _fresh(prefix))
        try:
            return await redis.evalsha(self.digest, len(keys), *keys, *arguments)  # type: ignore[arg-type, misc]
        except NoScriptError:
            return await redis.eval(self.text, len(keys), *keys, *arguments)  # type: ignore[arg-type, misc]

    def join(self, pipeline: Pipeline, prefix: str, *arguments: str | int | float) -> None:
        """Run it in a pipeline; there it answers a NoScriptError if Redis does not know it yet."""
        pipeline.evalsha(self.digest, 2, prefix, _fresh(prefix), *arguments)  # type: ignore[arg-type]


def _fresh(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(RANDOM_BYTES)


create_jobs = Script("create_jobs")
read_jobs = Script("read_jobs")
cancel_job = Script("cancel_job")
delete_job = Script("delete_job")
page = Script("page")
save_queue = Script("save_queue")
read_queues = Script("read_queues")
delete_queue = Script("delete_queue")
save_cron = Script("save_cron")
read_crons = Script("read_crons")
delete_cron = Script("delete_cron")
run_cron = Script("run_cron")
ping_cron = Script("ping_cron")
due_crons = Script("due_crons")
fire_crons = Script("fire_crons")
renew_crons = Script("renew_crons")
read_executions = Script("read_executions")
find_executions = Script("find_executions")
claim = Script("claim")
finish = Script("finish")
beat = Script("beat")
in_flight = Script("in_flight")
rescue = Script("rescue")
promote = Script("promote")
prune = Script("prune")
retire = Script("retire")
patrol = Script("patrol")
patrol_crons = Script("patrol_crons")
audit = Script("audit")
tidy = Script("tidy")
read_ledger = Script("read_ledger")
rotate_signing = Script("rotate_signing")
replay_jobs = Script("replay_jobs")
purge_jobs = Script("purge_jobs")
start_replay = Script("start_replay")
collect_replay = Script("collect_replay")
step_replay = Script("step_replay")
cancel_replay = Script("cancel_replay")
read_replays = Script("read_replays")
hold_host = Script("hold_host")
read_alerts = Script("read_alerts")
retire_alerts = Script("retire_alerts")
test_channel = Script("test_channel")
