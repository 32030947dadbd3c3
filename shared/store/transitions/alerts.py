"""Alerts as they are read, and tests of the channels that they go to."""

from collections.abc import Sequence

from redis.asyncio import Redis

from shared.store.keyspace import Team
from shared.store.transitions.functions import Function
from shared.store.transitions.records import StoredRecord
from shared.store.writes import OURS, Write

_READ_ALERTS = Function("read_alerts")
_COUNT_OPEN_ALERTS = Function("count_open_alerts")
_TEST_CHANNEL = Function("test_channel")
_RESEND_ALERT = Function("resend_alert")


async def read_alerts(redis: Redis, team: Team, ids: Sequence[int]) -> list[StoredRecord]:
    """Those that are there."""
    return [StoredRecord(*row) for row in await _READ_ALERTS(redis, team.prefix, ids, team=team.id)]


async def count_open_alerts(redis: Redis, team: Team, *, now_ms: int | None = None) -> int:
    """How many crons and problems of queues have an alert and are not well since, as far as it looks."""
    return int(await _COUNT_OPEN_ALERTS(redis, team.prefix, team=team.id, now_ms=now_ms))


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


async def resend_alert(
    redis: Redis,
    team: Team,
    *,
    alert: int,
    channel: str | None,
    now_ms: int | None = None,
    write: Write = OURS,
) -> str | bool:
    """Whether there is such an alert, which is sent again; or why it is not, as `resend_alert.lua` says."""
    answer = await _RESEND_ALERT(
        redis, team.prefix, write=write, team=team.id, alert=alert, channel=channel or "", now_ms=now_ms
    )
    return answer if isinstance(answer, str) else bool(answer)
