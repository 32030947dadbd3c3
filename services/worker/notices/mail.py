"""Letters to people: alerts that go out by e-mail, through the operator's own mail server."""

import asyncio
import time
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import NamedTuple

import aiosmtplib
import structlog

from services.worker.http.exchange import Exchange, unsent, without_response
from services.worker.http.permit import Permit
from shared import clock
from shared.schemas.runs import FailureReason
from shared.settings import Settings

TIMEOUT_SECONDS = 30.0

log = structlog.get_logger()


class Letter(NamedTuple):
    """What shall arrive, and where; `message_id` is the same however often it is tried."""

    to: tuple[str, ...]
    subject: str
    text: str
    message_id: str


class Mailer:
    """Sends by the SMTP server of the settings, a connection a letter."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def send(self, letter: Letter, permit: Permit) -> Exchange:
        """Send once, within 30 s in all; raises NotSent or a cancellation, and nothing else."""
        started_at_ms, began = permit.now_ms(), time.perf_counter()
        if not self._settings.smtp_host or not self._settings.smtp_from:
            missing = "HOST" if not self._settings.smtp_host else "FROM"
            why = f"RECURO_SMTP_{missing} is not set: no mail can be sent."
            return unsent(FailureReason.UNKNOWN, why, started_at_ms)
        failure: tuple[FailureReason, str] | None = None
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                message = self._written(letter, clock.moment(started_at_ms))
                async with self._client() as client:
                    permit.check()
                    await client.send_message(message)
        except TimeoutError:
            failure = (FailureReason.TIMEOUT, f"The mail server took more than {TIMEOUT_SECONDS:g} s.")
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            failure = _failure_of(error)
        duration_ms = round((time.perf_counter() - began) * 1000)
        reason, sentence = failure or (None, None)
        return without_response(reason, sentence, started_at_ms, duration_ms)

    def _written(self, letter: Letter, now: datetime) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"] = self._settings.smtp_from, ", ".join(letter.to)
        message["Date"] = format_datetime(now)  # one of the two that RFC 5322 demands
        message["Subject"], message["Message-ID"] = letter.subject, letter.message_id
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers it
        message.set_content(letter.text)
        return message

    def _client(self) -> aiosmtplib.SMTP:
        settings = self._settings
        return aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user,
            password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            timeout=TIMEOUT_SECONDS,
        )


def _failure_of(error: Exception) -> tuple[FailureReason, str]:
    """Sentences of our own, and the server's code: its text may repeat what it was sent."""
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return FailureReason.UNKNOWN, "The mail server refused RECURO_SMTP_USER and RECURO_SMTP_PASSWORD."
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return FailureReason.UNKNOWN, "The mail server refused the addresses."
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return FailureReason.UNKNOWN, f"The mail server answered with code {error.code}."
    if isinstance(error, aiosmtplib.SMTPConnectError | aiosmtplib.SMTPServerDisconnected | OSError):
        return FailureReason.CONNECTION_ERROR, "No connection to the mail server at RECURO_SMTP_HOST."
    log.error("mail_failed", error=type(error).__name__)
    return FailureReason.UNKNOWN, f"The mail could not be sent ({type(error).__name__})."
