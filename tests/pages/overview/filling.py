"""Alerts as the overview and their own pages show them."""

from redis.asyncio import Redis

from shared.actions import notifications
from shared.schemas.notifications import Notifications
from tests.calls import call_of
from tests.pages.crons.filling import SHOP, a_cron


async def told_by_slack(redis: Redis, said: str = "404 no_service") -> None:
    """A cron that fails, and an alert of it whose message Slack refused."""
    await a_cron(redis, "x", alert_threshold=1, cron_expression="0 * * * *")
    await refused_by_slack(redis, said)


async def refused_by_slack(redis: Redis, said: str = "404 no_service") -> None:
    """The first alert there is, whose message Slack refused, as a worker writes it."""
    wanted = Notifications.model_validate({"slack": {"url": "https://hooks.slack.com/services/x"}})
    await notifications.put(call_of(redis, SHOP), wanted)
    await redis.hset(f"{SHOP.prefix}a:1:1", mapping={"channel:slack": "failed", "error:slack": said})  # type: ignore[misc]
