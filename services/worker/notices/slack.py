"""Slack: a message by an incoming webhook."""

from pydantic_core import to_json

from services.worker.http.outgoing import Outgoing
from services.worker.notices.messages import Message
from services.worker.notices.told import Told
from shared.schemas.notifications import Hook

IS_SIGNED = False
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})  # else <!channel> would call everybody


def rendered(told: Told, settings: Hook) -> Outgoing:
    return told.posted(settings.url, body(told.message))


def body(message: Message) -> bytes:
    """Slack has no way to escape its `*bold*` and the like: nothing in the text is read as such."""
    text = f"{message.title}\n{message.text}".translate(_ESCAPES)
    return to_json({"text": text, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False})
