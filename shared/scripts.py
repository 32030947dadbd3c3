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


save_cron = Script("save_cron")
read_crons = Script("read_crons")
list_crons = Script("list_crons")
delete_cron = Script("delete_cron")
run_cron = Script("run_cron")
ping_cron = Script("ping_cron")
due_crons = Script("due_crons")
fire_crons = Script("fire_crons")
set_crons_aside = Script("set_crons_aside")
settle_cron = Script("settle_cron")
renew_crons = Script("renew_crons")
announce_zones = Script("announce_zones")
read_executions = Script("read_executions")
find_executions = Script("find_executions")
read_clock = Script("read_clock")
vouch = Script("vouch")
correct = Script("correct")
read_plans = Script("read_plans")
reckon_due = Script("reckon_due")
patrol = Script("patrol")
patrol_crons = Script("patrol_crons")
