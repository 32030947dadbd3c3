"""Letters to people, through the operator's own mail server."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import NamedTuple

import aiosmtplib
import structlog

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


class Undelivered(NamedTuple):
    """Why a letter did not go out."""

    reason: FailureReason
    sentence: str


def missing(settings: Settings) -> str | None:
    """The setting without which no letter goes out, or None."""
    if not settings.smtp_host:
        return "RECURO_SMTP_HOST"
    return None if settings.smtp_from else "RECURO_SMTP_FROM"


async def deliver(
    settings: Settings, letter: Letter, now: datetime, *, before: Callable[[], None] | None = None
) -> Undelivered | None:
    """Send once, within 30 s in all, a connection a letter; None if it went out.

    `before` is called when it is about to leave, and what it raises is raised.
    """
    if name := missing(settings):
        return Undelivered(FailureReason.UNKNOWN, f"{name} is not set: no mail can be sent.")
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            message = _written(settings, letter, now)
            async with _client(settings) as client:
                if before:
                    before()
                await client.send_message(message)
    except TimeoutError:
        sentence = f"The mail server took more than {TIMEOUT_SECONDS:g} s."
        return Undelivered(FailureReason.TIMEOUT, sentence)
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        return _failure_of(error)
    return None


def _written(settings: Settings, letter: Letter, now: datetime) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = settings.smtp_from, ", ".join(letter.to)
    message["Date"] = format_datetime(now)  # one of the two that RFC 5322 demands
    # The library decodes what looks like an encoded word, and writes the line ends that were in it.
    message["Subject"] = letter.subject.replace("=?", "= ?")
    message["Message-ID"] = letter.message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note answers it
    message.set_content(letter.text)
    return message


def _client(settings: Settings) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_user,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        use_tls=settings.smtp_security == "tls",
        start_tls=settings.smtp_security == "starttls",
        timeout=TIMEOUT_SECONDS,
    )


def _failure_of(error: Exception) -> Undelivered:
    """Sentences of our own, and the server's code: its text may repeat what it was sent."""
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        said = "The mail server refused RECURO_SMTP_USER and RECURO_SMTP_PASSWORD."
        return Undelivered(FailureReason.UNKNOWN, said)
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return Undelivered(FailureReason.UNKNOWN, "The mail server refused the addresses.")
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return Undelivered(FailureReason.UNKNOWN, f"The mail server answered with code {error.code}.")
    if isinstance(error, aiosmtplib.SMTPConnectError | aiosmtplib.SMTPServerDisconnected | OSError):
        said = "No connection to the mail server at RECURO_SMTP_HOST."
        return Undelivered(FailureReason.CONNECTION_ERROR, said)
    log.error("mail_failed", error=type(error).__name__)
    return Undelivered(FailureReason.UNKNOWN, f"The mail could not be sent ({type(error).__name__}).")
