"""Our own client before the rows."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

from services.worker.http.client import Sender
from services.worker.http.egress import Resolver
from services.worker.http.exchange import Exchange
from services.worker.http.outgoing import Outgoing
from shared.schemas.runs import FailureReason
from shared.security.addresses import Policy
from tests.answers.rows import Row
from tests.answers.verdicts import Verdict

SECONDS = 5.0
LOOPBACK = Policy((ip_network("127.0.0.0/8"),))
BY_STATUS = {
    None,
    FailureReason.HTTP_CLIENT_ERROR,
    FailureReason.HTTP_SERVER_ERROR,
    FailureReason.REDIRECT,
}
"""The failure reasons of an answer that was read, and says no."""


@asynccontextmanager
async def sender(certificate: Path) -> AsyncIterator[Sender]:
    """A sender that may call the loopback and trusts the certificate."""
    tls = ssl.create_default_context(cafile=str(certificate))
    resolver = Resolver(LOOPBACK, lambda _: ["127.0.0.1"])
    async with Sender(LOOPBACK, resolver=resolver, tls=tls) as opened:
        yield opened


def request(row: Row, url: str) -> Outgoing:
    """A POST where the row wants something sent to it, else a GET."""
    body = bytes(row.upload) if row.upload else None
    return Outgoing("POST" if body else "GET", url, {}, body, SECONDS)


def verdict(exchange: Exchange) -> Verdict:
    """An odd status (600) is a failure, and yet an answer that was read."""
    is_odd = exchange.failure_reason is FailureReason.UNKNOWN and exchange.response_status is not None
    is_read = exchange.failure_reason in BY_STATUS or is_odd
    return Verdict(
        status=exchange.response_status,
        body=exchange.response_body or "",
        refusal="" if is_read else exchange.error_message or "?",
        is_truncated=exchange.response_truncated,
        headers=tuple(exchange.response_headers),
    )
