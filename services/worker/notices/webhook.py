"""A webhook of the team's own: the alert as REST shows it, signed if the team has a secret."""

from pydantic_core import to_json

from services.worker.http.outgoing import Outgoing
from services.worker.notices.announcement import Announcement
from shared.actions import alerts
from shared.schemas.notifications import Hook

IS_SIGNED = True


def rendered(announcement: Announcement, settings: Hook) -> Outgoing:
    event = f"alert.{announcement.alert.type if announcement.alert else alerts.TEST}"
    shown = (
        announcement.alert.model_dump(mode="json")
        if announcement.alert
        else {"message": announcement.message.text}
    )
    headers = {
        "Recuro-Event": event,
        "Recuro-Attempt": str(announcement.work.attempt),
        "Idempotency-Key": announcement.key,
    }
    return announcement.posted(settings.url, to_json({"event": event, **shown}), headers)
