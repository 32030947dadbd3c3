"""Telling people of an alert through one channel."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from pydantic_core import to_json

from services.worker import messages
from services.worker.http.outgoing import Outgoing
from services.worker.mail import Letter
from services.worker.reach import Reach
from services.worker.work import Notice
from shared import alerts, notifications
from shared.errors import NotFound
from shared.keyspace import Team
from shared.schemas.alerts import Alert, Channel
from shared.schemas.notifications import Email, Notifications
from shared.version import VERSION

TIMEOUT_SECONDS = 30.0


async def alert_notice(work: Notice, reach: Reach) -> Outgoing | Letter:
    """What is sent to the channel that the notice is for; NotFound if alert or channel went meanwhile."""
    team, alert_id = Team(work.team, work.shard), int(work.subject.partition(":")[2])
    channels = await notifications.opened_of(reach.redis, reach.vault, team)
    alert = await _alert(work, reach, team, alert_id)
    message = messages.message_of(alert, reach.public_url) if alert else messages.TEST
    return _outgoing(work, channels, message, alert)


async def _alert(work: Notice, reach: Reach, team: Team, alert_id: int) -> Alert | None:
    """Nothing for a test call."""
    if await alerts.is_test(reach.redis, team, alert_id):
        return None
    return await alerts.get(reach.redis, team, alert_id)


def _outgoing(
    work: Notice, channels: Notifications, message: messages.Message, alert: Alert | None
) -> Outgoing | Letter:
    settings = getattr(channels, work.spec, None)
    if settings is None:
        raise NotFound("Channel")
    told = _Told(work, message, alert)
    if isinstance(settings, Email):
        return messages.letter(message, settings.to, f"<{told.key}@recuro.invalid>")
    headers, body = WRITERS[Channel(work.spec)](told)
    headers = {"Content-Type": "application/json", "User-Agent": f"Recuro/{VERSION}", **headers}
    return Outgoing("POST", settings.url, headers, body, TIMEOUT_SECONDS, team=work.team)


class _Told(NamedTuple):
    work: Notice
    message: messages.Message
    alert: Alert | None

    @property
    def key(self) -> str:
        return self.work.idempotency_key


_Written = tuple[dict[str, str], bytes]


def _slack(told: _Told) -> _Written:
    return {}, messages.slack(told.message)


def _discord(told: _Told) -> _Written:
    return {}, messages.discord(told.message)


def _webhook(told: _Told) -> _Written:
    event = f"alert.{told.alert.type if told.alert else alerts.TEST}"
    shown = told.alert.model_dump(mode="json") if told.alert else {"message": told.message.text}
    headers = {
        "Recuro-Event": event,
        "Recuro-Attempt": str(told.work.attempt),
        "Idempotency-Key": told.key,
    }
    return headers, to_json({"event": event, **shown})


WRITERS: Mapping[Channel, Callable[[_Told], _Written]] = {
    Channel.SLACK: _slack,
    Channel.DISCORD: _discord,
    Channel.WEBHOOK: _webhook,
}
"""Headers and body for each channel that is a URL; mail is not posted."""
