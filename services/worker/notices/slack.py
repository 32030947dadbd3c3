"""Slack: a message by an incoming webhook."""

from pydantic_core import to_json

from services.worker.http.outgoing import Outgoing
from services.worker.notices.announcement import Announcement
from services.worker.notices.messages import Message
from shared.schemas.notifications import Hook

IS_SIGNED = False
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})  # else <!channel> would call everybody


def rendered(announcement: Announcement, settings: Hook) -> Outgoing:
    return announcement.posted(settings.url, body(announcement.message))


def body(message: Message) -> bytes:
    """Slack has no way to escape its `*bold*` and the like: nothing in the text is read as such."""
    text = f"{message.title}\n{message.text}".translate(_ESCAPES)
    return to_json({"text": text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False})
