"""What the owner of a heartbeat's key can do: report that the work was done, failed, began, or goes on."""

import re
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic_core import to_json
from redis.asyncio import Redis

from shared import clock
from shared.errors import NotFound
from shared.schemas.runs import FailureReason
from shared.store import connection, keyspace, transitions
from shared.store.idempotency import IdempotencyKey
from shared.store.keyspace import Team
from shared.store.writes import Write

SAID_CHARACTERS = 4096
MOST_EXIT_STATUS = 255
FAILED = "The ping said that it failed."
FAILED_WITH = "The ping said that it failed, with exit status {}."

_KEY = re.compile(r"([a-z0-9]{1,16})-([1-9][0-9]{0,15})-([1-9][0-9]{0,15})-([A-Za-z0-9_-]{1,64})")


class Kind(StrEnum):
    """What a ping says."""

    COMPLETE = "complete"
    FAIL = "fail"
    START = "start"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Ping:
    """What a ping says: its kind, the exit status of work that ended with one, and a text."""

    kind: Kind = Kind.COMPLETE
    said: str = ""
    exit_status: int | None = None

    @property
    def failure(self) -> dict[str, str]:
        """Why the work failed; empty if it did not."""
        if self.kind != Kind.FAIL:
            return {}
        message = FAILED if self.exit_status is None else FAILED_WITH.format(self.exit_status)
        return {"failure_reason": FailureReason.PING_FAILED, "error_message": message}


@dataclass(frozen=True, slots=True)
class Noted:
    """The answer to a ping: the fire it counts for, or the next fire and from when on that takes pings."""

    counts_for: datetime | None
    next_fire: datetime | None
    takes_pings_from: datetime | None


def exit_ping(status: int, said: str) -> Ping:
    """The ping for a program that ended with that status; 0 is success."""
    return Ping(Kind.FAIL if status else Kind.COMPLETE, said, status)


def team_of(key: str) -> Team:
    """The team that a key names; raises NotFound for a key of another form."""
    match = _KEY.fullmatch(key)
    if not match or match[1] not in keyspace.SHARDS:
        raise NotFound("Ping key")
    return Team(int(match[2]), match[1])


async def ping(
    redis: Redis,
    key: str,
    ping: Ping | None = None,
    *,
    now_ms: int | None = None,
    once: IdempotencyKey | None = None,
) -> Noted:
    """Record a ping, in steps if very many fires wait for it; raises NotFound for an unknown key."""
    team = team_of(key)
    *_, cron, secret = key.split("-", 3)
    ping = ping or Ping()
    noted, step = transitions.Pinged(), 0
    while noted.after or not step:
        with connection.begun() if step else nullcontext():
            answer = await transitions.ping_cron(
                redis,
                team,
                cron=cron,
                secret=secret,
                kind=ping.kind,
                reason=FailureReason.PING_FAILED if ping.failure else None,
                failure=to_json(ping.failure).decode() if ping.failure else None,
                said=ping.said[:SAID_CHARACTERS],
                after=noted.after,
                now_ms=now_ms,
                write=Write(once),
                step=step,
            )
        if not answer and not step:
            raise NotFound("Ping key")
        noted = answer or noted._replace(after=0)  # the cron may be deleted between two steps
        step += 1
    return Noted(*(clock.moment(each) if each else None for each in noted[1:]))
