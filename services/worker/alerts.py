"""Telling people of an alert through one channel."""

from pydantic_core import to_json

from services.worker import messages
from services.worker.delivery import Outgoing
from services.worker.mail import Letter
from services.worker.reach import Reach
from services.worker.work import Work
from shared import alerts, notifications
from shared.errors import NotFound
from shared.keyspace import Team
from shared.schemas.alerts import Alert, Channel
from shared.schemas.notifications import Notifications
from shared.version import VERSION

TIMEOUT_SECONDS = 30.0


async def alert_notice(work: Work, reach: Reach) -> Outgoing | Letter:
    """What is sent to the channel that the notice is for; NotFound if alert or channel went meanwhile."""
    team, alert_id = Team(work.team, work.shard), int(work.origin.partition(":")[2])
    channels = await notifications.opened_of(reach.redis, reach.vault, team)
    alert = await _alert(work, reach, team, alert_id)
    message = messages.message_of(alert, reach.public_url) if alert else messages.TEST
    return _outgoing(work, channels, message, alert)


async def _alert(work: Work, reach: Reach, team: Team, alert_id: int) -> Alert | None:
    """Nothing for a test call."""
    if await alerts.is_test(reach.redis, team, alert_id):
        return None
    return await alerts.get(reach.redis, team, alert_id)


def _outgoing(
    work: Work, channels: Notifications, message: messages.Message, alert: Alert | None
) -> Outgoing | Letter:
    channel, key = Channel(work.spec), work.idempotency_key
    if channel == Channel.EMAIL and channels.email:
        return messages.letter(message, channels.email.to, f"<{key}@recuro.invalid>")
    hook = getattr(channels, channel)
    if hook is None:
        raise NotFound("Channel")
    headers = {"Content-Type": "application/json", "User-Agent": f"Recuro/{VERSION}"}
    if channel == Channel.SLACK:
        body = messages.slack(message)
    elif channel == Channel.DISCORD:
        body = messages.discord(message)
    else:
        event = f"alert.{alert.type if alert else alerts.TEST}"
        told = alert.model_dump(mode="json") if alert else {"message": message.text}
        body = to_json({"event": event, **told})
        headers |= {"Recuro-Event": event, "Recuro-Attempt": str(work.attempt), "Idempotency-Key": key}
    return Outgoing("POST", hook.url, headers, body, TIMEOUT_SECONDS)
