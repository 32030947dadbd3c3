"""Why a request failed, in sentences of our own with a way out."""

import os
import ssl
from typing import NamedTuple
from urllib.parse import urljoin

import structlog

from services.worker.http.connection import ConnectionClosed
from services.worker.http.dialing import HandshakeEnded, Late, NoConnection
from services.worker.http.egress import NameNotFound
from services.worker.http.heads import NotHttp
from services.worker.http.proxy import ProxyRefused
from services.worker.http.response import Answer, ResponseTooLarge
from shared.schemas.runs import FailureReason, FailureStage
from shared.security.addresses import Refusal
from shared.security.destinations import Origin

LOCATION_CHARACTERS, LONGEST_LOCATION = 300, 8192
_CONDITIONS = frozenset(("if-none-match", "if-modified-since"))
_UNKNOWN_ISSUER = frozenset((2, 18, 19, 20, 21))
"""Of OpenSSL's results (x509_vfy.h): self-signed, or by an issuer that is not known or was not sent."""
_PLAIN_ANSWER = frozenset(
    ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE")
)
_HTTP_2_ONLY = "NO_APPLICATION_PROTOCOL"
_OLD_VERSION = ("ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL")
_WANTS_CERTIFICATE = ("CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE")

_OF_GATEWAYS = frozenset((502, 503, 504))
_MARKS_OF_PROXIES = frozenset(("proxy-status", "x-squid-error"))

log = structlog.get_logger()


class Failure(NamedTuple):
    """`stage` is how far the request came, if there was no whole answer."""

    reason: FailureReason
    message: str
    stage: FailureStage | None = None


class RequestFacts(NamedTuple):
    """Of a request, what the sentence about its failure names; header names in lower case."""

    url: str
    header_names: frozenset[str]
    timeout_seconds: float
    is_proxied: bool = False
    """It was sent to the egress proxy, in plain text, so that the answer may be the proxy's own."""


def of_status(answer: Answer, facts: RequestFacts) -> Failure | None:
    """Nothing for a 2xx, and for a 304 to the caller's own condition."""
    status = answer.status or 0
    if 200 <= status < 300 or (status == 304 and facts.header_names & _CONDITIONS):
        return None
    if 300 <= status < 400:
        return Failure(FailureReason.REDIRECT, _redirect(status, answer, facts.url))
    if facts.is_proxied and status in _OF_GATEWAYS:
        return _of_proxy(status, answer)
    if 400 <= status < 500:
        return Failure(FailureReason.HTTP_CLIENT_ERROR, f"The target answered with status {status}.")
    if 500 <= status < 600:
        return Failure(FailureReason.HTTP_SERVER_ERROR, f"The target answered with status {status}.")
    return Failure(FailureReason.UNKNOWN, f"The target answered with the unexpected status {status}.")


def _of_proxy(status: int, answer: Answer) -> Failure:
    """A gateway's error, which the proxy marks as its own or not (RFC 9209)."""
    if any(name in _MARKS_OF_PROXIES for name, _ in answer.headers):
        sentence = f"The egress proxy answered with status {status} by itself: it did not reach the target."
        return Failure(FailureReason.CONNECTION_ERROR, sentence, FailureStage.CONNECT)
    sentence = f"The egress proxy, or the target behind it, answered with status {status}."
    return Failure(FailureReason.HTTP_SERVER_ERROR, sentence)


def of_error(error: Exception, answer: Answer, facts: RequestFacts) -> Failure:
    """Of a request that got no whole answer, or one that cannot be read."""
    stage = FailureStage.RESPONSE if answer.begun else FailureStage.REQUEST
    if isinstance(error, Refusal):
        is_unknown = isinstance(error, NameNotFound)
        return Failure(error.reason, str(error), FailureStage.LOOKUP if is_unknown else None)
    if isinstance(error, Late | TimeoutError):
        return _timed_out(error, stage, facts.timeout_seconds)
    if isinstance(error, ssl.SSLError):
        return Failure(FailureReason.SSL_ERROR, _tls(error), FailureStage.TLS)
    if isinstance(error, HandshakeEnded):
        return Failure(FailureReason.CONNECTION_ERROR, _handshake_ended(error), FailureStage.TLS)
    if isinstance(error, ResponseTooLarge):
        return Failure(FailureReason.RESPONSE_TOO_LARGE, str(error), stage)
    if isinstance(error, NotHttp | ConnectionClosed):
        sentence = str(error) or _closed(stage)
        return Failure(FailureReason.CONNECTION_ERROR, sentence, stage)
    if isinstance(error, NoConnection | ProxyRefused):
        sentence = str(error) if isinstance(error, ProxyRefused) else _no_connection(error)
        return Failure(FailureReason.CONNECTION_ERROR, sentence, FailureStage.CONNECT)
    log.error("send_failed", error=type(error).__name__)
    return Failure(FailureReason.UNKNOWN, f"The request could not be sent ({type(error).__name__}).", stage)


def _timed_out(error: Exception, stage: FailureStage, seconds: float) -> Failure:
    if isinstance(error, Late):
        return Failure(FailureReason.TIMEOUT, _late(error, seconds), error.stage)
    did = "finish its answer" if stage is FailureStage.RESPONSE else "answer"
    return Failure(FailureReason.TIMEOUT, f"The target did not {did} within {seconds:g} s.", stage)


def _redirect(status: int, answer: Answer, url: str) -> str:
    if status == 304:
        return "The target answered that nothing has changed (304), but the request sets no If-None-Match."
    location = next((value for name, value in answer.headers if name == "location"), "")
    shown = "".join(character if character.isprintable() else "?" for character in location)
    to = f" to {shown[:LOCATION_CHARACTERS]}" if shown else ""
    said = f"The target answered with a redirect ({status}){to}, and redirects are not followed"
    whole = _joined(url, shown) if len(shown) <= LONGEST_LOCATION else ""  # what is joined is remembered
    return f"{said}: make {whole[:LOCATION_CHARACTERS]} the url." if whole else f"{said}."


def _joined(url: str, location: str) -> str:
    """Where a redirect leads; nothing if nobody can say."""
    try:
        return urljoin(url, location) if location else ""
    except ValueError:
        return ""


def _late(error: Late, seconds: float) -> str:
    where = shown(error.origin)
    if error.stage is FailureStage.LOOKUP:
        return f"{error.origin.host} was not resolved within {seconds:g} s."
    if error.stage is FailureStage.CONNECT:
        return f"No connection to {where} within {seconds:g} s: it answers nothing, or a firewall drops it."
    return (
        f"{where} took the connection, but the TLS handshake did not end within {seconds:g} s; "
        "if it serves plain HTTP, let the url begin with http://."
    )


def _handshake_ended(error: HandshakeEnded) -> str:
    return (
        f"{shown(error.origin)} closed the connection during the TLS handshake; "
        "if it serves plain HTTP, let the url begin with http://."
    )


def _tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        said = f"The target's TLS certificate was refused: {error.verify_message.rstrip('.')}."
        if error.verify_code not in _UNKNOWN_ISSUER:
            return said
        return (
            f"{said} If it is from a CA of your own, name a file with that in SSL_CERT_FILE of the workers; "
            "if from a public one, let the target send its intermediate certificates too."
        )
    reason = error.reason or ""
    if reason in _PLAIN_ANSWER:
        return "The target does not speak TLS on this port: let the url begin with http://, or name another."
    if _HTTP_2_ONLY in reason:
        return "The target speaks HTTP/2 only on this port: let it take HTTP/1.1 too, or name another."
    if any(old in reason for old in _OLD_VERSION):
        return "The target offers no TLS of 1.2 or newer, and older ones are not safe: let it take TLS 1.2."
    if any(wanted in reason for wanted in _WANTS_CERTIFICATE):
        return (
            "The target wants a client certificate, which Recuro has none of: let it tell Recuro by a header "
            "or its signature instead."
        )
    return f"The TLS connection failed: {(reason or 'unknown reason').replace('_', ' ').lower()}."


def _no_connection(error: NoConnection) -> str:
    why = f": {os.strerror(error.number)}" if error.number else ""
    return f"No connection to {shown(error.origin)}{why}."


def _closed(stage: FailureStage) -> str:
    if stage is FailureStage.RESPONSE:
        return "The target closed the connection within the first line of its answer."
    return "The target closed the connection without an answer."


def shown(origin: Origin) -> str:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    return f"{host}:{origin.port}"
