"""A real SMTP server in its own thread that keeps what it is handed, or refuses it."""

import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.installation import free_port


class Mailbox:
    """`with Mailbox() as mailbox:` listens at `mailbox.port` on loopback."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.refused: list[EmailMessage] = []
        self.recipients: list[tuple[str, ...]] = []
        self.refusal: str = ""
        self._lock = threading.Lock()
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())

    @property
    def port(self) -> int:
        return int(self._controller.port)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        letter = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(letter, EmailMessage)
        with self._lock:
            if self.refusal:
                self.refused.append(letter)
                return self.refusal
            self.letters.append(letter)
            self.recipients.append(tuple(envelope.rcpt_tos))
        return "250 OK"

    def __enter__(self) -> "Mailbox":
        self._controller.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._controller.stop()
