"""What whoever has a heartbeat's key can do: say that the work was done, or that it failed."""

import re

from pydantic_core import to_json
from redis.asyncio import Redis

from shared import clock, keyspace, scripts
from shared.errors import NotFound
from shared.idempotency import IdempotencyKey
from shared.keyspace import Team
from shared.schemas.runs import FailureReason

SAID_CHARACTERS = 4096
FAILED = "The ping said that it failed."

_KEY = re.compile(r"([a-z0-9]{1,16})-([1-9][0-9]{0,15})-([1-9][0-9]{0,15})-([A-Za-z0-9_-]{1,64})")


def team_of(key: str) -> Team:
    """Whose heartbeat the key may be for; raises NotFound for a key that opens nothing."""
    match = _KEY.fullmatch(key)
    if not match or match[1] not in keyspace.SHARDS:
        raise NotFound("Ping key")
    return Team(int(match[2]), match[1])


async def ping(
    redis: Redis,
    key: str,
    said: str = "",
    *,
    failed: bool = False,
    now: int | None = None,
    once: IdempotencyKey | None = None,
) -> None:
    """Note a ping and what was said with it; raises NotFound for a key that opens nothing."""
    team, text = team_of(key), said[:SAID_CHARACTERS]
    *_, cron, secret = key.split("-", 3)
    run: dict[str, object] = {
        "executed_at": now or clock.milliseconds(clock.now()),
        "response_body": text or None,
    }
    failure = {"failure_reason": FailureReason.PING_FAILED, "error_message": FAILED} if failed else {}
    taken = await scripts.ping_cron(
        redis,
        team.prefix,
        team.id,
        cron,
        secret,
        "" if now is None else now,
        "fail" if failed else "complete",
        to_json(run | failure).decode(),
        FailureReason.PING_FAILED if failed else "",
        to_json(failure | {"response": text}).decode() if failed else "",
        text,
        key=once,
    )
    if not taken:
        raise NotFound("Ping key")
