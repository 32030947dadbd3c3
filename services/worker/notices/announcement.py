"""An alert with its text, as every channel gets it."""

from typing import NamedTuple

from services.worker.http.outgoing import Outgoing
from services.worker.notices.messages import Message
from services.worker.requests import USER_AGENT
from services.worker.work import Notice
from shared.schemas.alerts import Alert

TIMEOUT_SECONDS = 30.0


class Announcement(NamedTuple):
    """The words, and what they are made of: no alert for a test call."""

    work: Notice
    message: Message
    alert: Alert | None

    @property
    def key(self) -> str:
        """The same however often it is tried."""
        return self.work.idempotency_key

    def posted(self, url: str, body: bytes, headers: dict[str, str] | None = None) -> Outgoing:
        """For the channels that are a URL."""
        headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT, **(headers or {})}
        return Outgoing("POST", url, headers, body, TIMEOUT_SECONDS, team=self.work.team)
