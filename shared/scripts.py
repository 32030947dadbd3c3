"""The transitions that are still called by position."""

from typing import Any

from redis.asyncio import Redis

from shared.idempotency import IdempotencyKey
from shared.transitions.functions import Argument, Function, recall

__all__ = ["recall"]


class Script:
    """A function of the library that is called by position."""

    def __init__(self, name: str) -> None:
        self.function = Function(name)

    async def __call__(
        self,
        redis: Redis,
        prefix: str,
        *arguments: Argument,
        key: IdempotencyKey | None = None,
        step: int = 0,
    ) -> Any:
        return await self.function.run(redis, prefix, arguments, key=key, step=step)


create_jobs = Script("create_jobs")
read_jobs = Script("read_jobs")
cancel_job = Script("cancel_job")
delete_job = Script("delete_job")
page = Script("page")
save_queue = Script("save_queue")
read_queues = Script("read_queues")
delete_queue = Script("delete_queue")
note_memory = Script("note_memory")
prune = Script("prune")
forget = Script("forget")
reseal = Script("reseal")
find_owners = Script("find_owners")
find_overdue = Script("find_overdue")
retire = Script("retire")
begin_retiring = Script("begin_retiring")
audit = Script("audit")
mend = Script("mend")
mend_queues = Script("mend_queues")
tidy = Script("tidy")
read_ledger = Script("read_ledger")
set_team = Script("set_team")
rotate_signing = Script("rotate_signing")
replay_jobs = Script("replay_jobs")
purge_jobs = Script("purge_jobs")
start_replay = Script("start_replay")
collect_replay = Script("collect_replay")
step_replay = Script("step_replay")
cancel_replay = Script("cancel_replay")
read_replays = Script("read_replays")
say_alive = Script("say_alive")
read_alerts = Script("read_alerts")
retire_alerts = Script("retire_alerts")
test_channel = Script("test_channel")
