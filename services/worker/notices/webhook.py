"""A webhook of the team's own: the alert as REST shows it, signed if the team has a secret."""

from pydantic_core import to_json

from services.worker.http.outgoing import Outgoing
from services.worker.notices.told import Told
from shared.actions import alerts
from shared.schemas.notifications import Hook

IS_SIGNED = True


def rendered(told: Told, settings: Hook) -> Outgoing:
    event = f"alert.{told.alert.type if told.alert else alerts.TEST}"
    shown = told.alert.model_dump(mode="json") if told.alert else {"message": told.message.text}
    headers = {
        "Recuro-Event": event,
        "Recuro-Attempt": str(told.work.attempt),
        "Idempotency-Key": told.key,
    }
    return told.posted(settings.url, to_json({"event": event, **shown}), headers)
