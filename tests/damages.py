"""What can be damaged of one team's keys, or of those that all share: wrong types, losses, junk and half records."""

from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

P = "r:{s0}:"

OF_A_TEAM = (
    *("j:1:1", "b:1:1", "r:1:j2", "q:1:1", "c:1:1", "e:1:1", "log:1:1", "s:1:1", "f:1:1", "names:1", "ids:1"),
    *("ledger:1", "t:1", "x:1:pending", "x:1:q1:pending", "x:1:completed", "x:1:c1:pending", "x:1:queues"),
    *(
        "x:1:replays",
        "x:1:backfills",
        "x:1:bulks",
        "x:1:crons:active",
        "x:1:alerts:failure",
        "x:1:alerts:storage_warning",
        "throttled:1",
        "retry_after:1",
        "hosts:1",
        "starts:1:1",
        "sent:1:1",
        "turns:1",
        "s:1:crons",
    ),
)
SHARED = (
    *("turns", "virtual_time", "teams", "trusted_until", "cancels", "in_flight", "due", "crons", "doomed"),
    *(
        "bell",
        "clock",
        "quarantine",
        "events",
        "replays",
        "backfills",
        "bulks",
        "damaged",
        "correction",
        "live",
        "troubles",
    ),
    *("fading", "memory", "zones", "clocks", "doubtful", "retention_waits", "retired_at", "watchdog"),
)
LOST = ("q:1:1", "c:1:1", "names:1", "ids:1")
HEALED = ("s:1:1", "turns:1", "turns", "virtual_time", "bell", "in_flight", "due", "crons")
SPEC = (
    '{"name": "x", "url": "https://a.example/", "cron_expression": "* * * * *", "timezone": "Mars/Olympus"}'
)


@dataclass(frozen=True, slots=True)
class Damage:
    """What is done to a key below the prefix; `names` of which the doctor must say one."""

    what: str
    key: str
    field: str = ""
    value: str | None = None
    names: Sequence[str] = ()
    is_healed: bool = False
    """It is as if it had never been, in moments: nobody has to be told."""

    def __str__(self) -> str:
        return f"{self.what} {self.key} {self.field}".strip()

    async def do(self, redis: Redis) -> None:
        key = P + self.key
        if self.what == "wrong type":
            await redis.delete(key)
            await (redis.hset(key, "junk", "1") if _is_text(self.key) else redis.set(key, "junk"))  # type: ignore[misc]
        elif self.what == "lost":
            await redis.delete(key)
        elif self.value is None:
            await redis.hdel(key, self.field)  # type: ignore[misc]
        elif self.field:
            await redis.hset(key, self.field, self.value)  # type: ignore[misc]
        else:
            await redis.set(key, self.value)


def _is_text(key: str) -> bool:
    return key.startswith(("b:", "r:")) or key in ("trusted_until", "correction", "retired_at")


# fmt: off
DAMAGES = (
    *(Damage("wrong type", key) for key in (*OF_A_TEAM, *SHARED)),
    *(Damage("lost", key) for key in LOST),
    *(Damage("lost", key, is_healed=True) for key in HEALED),
    Damage("lost", "b:1:1", names=("j:1:1",)),
    Damage("lost", "ledger:1", names=("ledger",)),
    Damage("junk", "b:1:1", "", "{spoiled", ("j:1:1",)),
    Damage("junk", "r:1:j2", "", "{spoiled", ("j:1:2",)),
    Damage("junk", "j:1:1", "state", "dreaming"),
    Damage("junk", "j:1:1", "attempt", "many"),
    Damage("junk", "c:1:1", "spec", "{spoiled"),
    Damage("junk", "c:1:1", "spec", SPEC),
    Damage("junk", "c:1:1", "failures", "many", is_healed=True),
    Damage("junk", "c:1:1", "next", "soon", is_healed=True),
    Damage("junk", "c:1:1", "timing", "{spoiled", is_healed=True),
    Damage("junk", "c:1:1", "offset", "some", is_healed=True),
    Damage("junk", "q:1:1", "spec", "{spoiled"),
    Damage("junk", "ids:1", "job", "many"),
    Damage("junk", "ledger:1", "job.pending", "many"),
    Damage("junk", "virtual_time", "1", "late", is_healed=True),
    Damage("junk", "zones", "spoken", "now", is_healed=True),
    Damage("junk", "clocks", "host:1", "now", is_healed=True),
    Damage("junk", "memory", "level", "2", is_healed=True),
    Damage("junk", "retired_at", "", "then", is_healed=True),
    Damage("half", "j:1:1", "state"),
    Damage("half", "j:1:1", "queue"),
    Damage("half", "j:1:1", "due"),
    Damage("half", "q:1:1", "version"),
    Damage("half", "q:1:1", "name"),
    Damage("half", "c:1:1", "spec"),
    Damage("half", "c:1:1", "version"),
    Damage("half", "c:1:1", "expression", is_healed=True),
    Damage("half", "e:1:1", "cron"),
    Damage("half", "e:1:1", "state"),
)
# fmt: on
