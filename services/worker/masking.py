"""What a target echoes of the secrets it was sent is masked before it is stored, logged or sent."""

import base64
import binascii
import html
import json
import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from urllib.parse import quote, quote_plus, urlsplit

from services.worker.context import Context
from services.worker.http.exchange import Exchange
from services.worker.http.heads import Headers
from services.worker.http.outgoing import Outgoing
from services.worker.work import Notice, Work
from shared.actions import signatures
from shared.basics.memory import MEBIBYTE, Remembered
from shared.security import signing
from shared.security.vault import MASK, Unsealable, secret_ones

LEAST = 8
"""Characters of what is masked: a shorter secret is in many a text by chance."""

_SHORT_CHARACTERS = 2048
_BLANKS = re.compile(r"\s+")


def masked(exchange: Exchange, outgoing: Outgoing, work: Work, context: Context) -> Exchange:
    """The exchange without the secrets that went out with it, in a header, a channel's URL or a signature."""
    return without(exchange, tuple(_secrets(outgoing, work, context)))


def without(exchange: Exchange, secrets: tuple[str, ...], mask: str = MASK) -> Exchange:
    """The exchange with the mask wherever it has one of the secrets in some spelling."""
    spellings = spellings_of(secrets) if secrets else ()
    if not spellings:
        return exchange
    body, message = exchange.response_body, exchange.error_message
    if body:
        body = text_without(body, spellings, mask)
        if exchange.response_truncated:
            body = _without_a_last_part(body, spellings, mask)
    if message:
        message = _without_parts(text_without(message, spellings, mask), spellings, mask)
    headers = _of_headers(exchange.response_headers, spellings, mask)
    return exchange._replace(response_body=body, response_headers=headers, error_message=message)


def _secrets(outgoing: Outgoing, work: Work, context: Context) -> Iterator[str]:
    for name in secret_ones(tuple(outgoing.headers)):
        yield from of_header(name.lower(), outgoing.headers[name].strip())
    for secret in _of_signing(work, context):
        yield from (secret, secret.removeprefix(signing.PREFIX))
    if isinstance(work, Notice) and work.is_alert:
        yield from _of_url(outgoing.url)
    yield from context.secrets


def of_header(name: str, value: str) -> Iterator[str]:
    """The secret itself of a header's value, which is often half of what is echoed."""
    if name == "cookie":
        for pair in value.split(";"):
            yield pair.partition("=")[2].strip()
        return
    scheme, *rest = _BLANKS.split(value, maxsplit=1)
    credentials = rest[0] if rest else ""
    if len(credentials) < LEAST:
        yield value
        return
    yield credentials
    if scheme.lower() == "basic":
        yield from _of_basic(credentials)
    for parameter in credentials.split(","):
        yield parameter.partition("=")[2].strip(' "')


def _of_basic(credentials: str) -> Iterator[str]:
    try:
        pair = base64.b64decode(credentials, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return
    yield pair
    yield pair.partition(":")[2]


def _of_signing(work: Work, context: Context) -> Sequence[str]:
    signing = work.of_team.signing
    try:
        return signatures.secrets_of(context.vault, work.team, signing, work.now_ms) if signing else ()
    except Unsealable:
        return ()  # then nothing was signed with them


def _of_url(url: str) -> Iterator[str]:
    """A channel's URL is a secret, all but its host."""
    parts = urlsplit(url)
    yield f"{parts.path}?{parts.query}" if parts.query else parts.path
    yield from parts.path.split("/")
    for pair in parts.query.split("&"):
        yield pair.partition("=")[2]


def _spellings(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """In what ways they may be echoed, the longest first, so that none leaves a part of another."""
    found = {spelt for secret in secrets if len(secret) >= LEAST for spelt in _spelt(secret)}
    return tuple(sorted(found, key=lambda spelt: (-len(spelt), spelt)))


def spellings_of(secrets: tuple[str, ...]) -> tuple[str, ...]:
    return (_known_spellings if sum(map(len, secrets)) <= _SHORT_CHARACTERS else _spellings)(secrets)


_known_spellings = Remembered(_spellings, 8 * MEBIBYTE, per_byte=40)
"""Of some short ones only: spelled in all ways, one of 8 KiB takes thirty times that."""


def _spelt(secret: str) -> Iterator[str]:
    yield secret
    yield from (quote(secret), quote(secret, safe=""), quote_plus(secret), html.escape(secret))
    for in_json in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield from (in_json, in_json.replace("/", "\\/"))  # the latter: PHP
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(secret.encode()).decode().rstrip("=")
    yield secret.encode("latin-1", "replace").decode("utf-8", "replace")  # sent in the one, read as the other


def _of_headers(headers: Headers, spellings: tuple[str, ...], mask: str) -> Headers:
    """All their values looked through at once, for there may be thousands; none holds a line break."""
    together = "\n".join(value for _, value in headers)
    masked = text_without(together, spellings, mask)
    if masked is together:
        return headers
    return tuple((name, value) for (name, _), value in zip(headers, masked.split("\n"), strict=True))


def text_without(text: str, spellings: tuple[str, ...], mask: str) -> str:
    for spelt in spellings:
        if spelt in text:
            text = text.replace(spelt, mask)
    return text


def _without_a_last_part(text: str, spellings: tuple[str, ...], mask: str) -> str:
    """A text that was cut may end in the middle of a secret."""
    for spelt in spellings:
        for length in range(min(len(spelt), len(text)), LEAST - 1, -1):
            if text.endswith(spelt[:length]):
                return text[:-length] + mask
    return text


def _without_parts(text: str, spellings: tuple[str, ...], mask: str) -> str:
    """Our own sentences quote the beginning of what a target said."""
    for spelt in spellings:
        start = text.find(spelt[:LEAST])
        while start >= 0:
            alike = sum(
                1 for _ in takewhile(lambda two: two[0] == two[1], zip(text[start:], spelt, strict=False))
            )
            text = text[:start] + mask + text[start + alike :]
            start = text.find(spelt[:LEAST], start + len(mask))
    return text
