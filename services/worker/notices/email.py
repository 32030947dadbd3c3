"""E-mail: a letter through the operator's own mail server."""

from services.worker.notices.announcement import Announcement
from shared.runtime.mail import Letter
from shared.schemas.notifications import Email

IS_SIGNED = False
SUBJECT_CHARACTERS = 200


def rendered(announcement: Announcement, settings: Email) -> Letter:
    message = announcement.message
    subject = f"[Recuro] {message.title}"[:SUBJECT_CHARACTERS]
    return Letter(settings.to, subject, f"{message.text}\n", f"<{announcement.key}@recuro.invalid>")
