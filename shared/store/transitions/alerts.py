"""Alerts as they are read, and tests of the channels that they go to."""

from collections.abc import Sequence

from redis.asyncio import Redis

from shared.store.keyspace import Team
from shared.store.transitions.functions import Function
from shared.store.transitions.records import StoredRecord
from shared.store.writes import OURS, Write

_READ_ALERTS = Function("read_alerts")
_TEST_CHANNEL = Function("test_channel")


async def read_alerts(redis: Redis, team: Team, ids: Sequence[int]) -> list[StoredRecord]:
    """Those that are there."""
    return [StoredRecord(*row) for row in await _READ_ALERTS(redis, team.prefix, ids, team=team.id)]


async def test_channel(
    redis: Redis,
    team: Team,
    *,
    channel: str,
    now_ms: int | None = None,  # noqa: PT028 - no test
    write: Write = OURS,  # noqa: PT028
) -> int:
    """Let a worker send a test call to a channel; the id of the alert that says how it went."""
    alert_id = await _TEST_CHANNEL(
        redis, team.prefix, write=write, team=team.id, channel=channel, now_ms=now_ms
    )
    return int(alert_id)
