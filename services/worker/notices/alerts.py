"""Telling people of an alert through one channel."""

from redis.asyncio import Redis

from services.worker.http.outgoing import Outgoing
from services.worker.notices import messages
from services.worker.notices.announcement import Announcement
from services.worker.notices.channels import RENDERINGS
from services.worker.permits import NotPermitted
from services.worker.work import Fail, Notice
from shared.actions import alerts, notifications
from shared.runtime.mail import Letter
from shared.schemas.alerts import Alert
from shared.security.vault import Vault
from shared.store.keyspace import Team


async def alert_notice(work: Notice, redis: Redis, vault: Vault, public_url: str) -> Outgoing | Letter:
    """What is sent to the channel that the notice is for; NotFound if the alert went meanwhile.

    NotPermitted if the channel did.
    """
    team, alert_id = Team(work.team, work.shard), int(work.subject.partition(":")[2])
    channels = await notifications.opened_of(redis, vault, team)
    alert = await _alert(redis, team, alert_id)
    pages = f"{public_url}/t/{team.id}" if public_url else ""
    message = messages.message_of(alert, pages) if alert else messages.TEST
    settings = getattr(channels, work.spec, None)
    if settings is None:
        raise NotPermitted(Fail(), "The channel was removed before the message was sent.")
    return RENDERINGS[work.spec].rendered(Announcement(work, message, alert), settings)


async def _alert(redis: Redis, team: Team, alert_id: int) -> Alert | None:
    """Nothing for a test call."""
    if await alerts.is_test(redis, team, alert_id):
        return None
    return await alerts.get(redis, team, alert_id)
