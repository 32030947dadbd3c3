"""E-mail: a letter through the operator's own mail server."""

from services.worker.notices.mail import Letter
from services.worker.notices.told import Told
from shared.schemas.notifications import Email

IS_SIGNED = False
SUBJECT_CHARACTERS = 200


def rendered(told: Told, settings: Email) -> Letter:
    message = told.message
    subject = f"[Recuro] {message.title}"[:SUBJECT_CHARACTERS]
    return Letter(settings.to, subject, f"{message.text}\n", f"<{told.key}@recuro.invalid>")
