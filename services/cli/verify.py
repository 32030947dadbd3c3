"""`recuro verify`: check whether we signed a received request, and if not, explain what is wrong."""

import hmac
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.security import signing
from shared.security.differences import TOLERANCE_SECONDS, Arrived, likely_bodies

RECURO, STANDARD = "Recuro's own", "Standard Webhooks"
SIGNED_BY = {
    RECURO: (signing.TIMESTAMP, (signing.SIGNATURE, signing.SIGNATURE_BEFORE)),
    STANDARD: (signing.WEBHOOK_TIMESTAMP, (signing.WEBHOOK_SIGNATURE,)),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict of one scheme: every reason against the request, or none."""

    scheme: str
    against: tuple[str, ...]


def judge(secret: str, arrived: Arrived, now_seconds: float) -> list[Verdict]:
    """The verdict of each scheme whose headers are there, at that Unix time; ValueError for a bad secret."""
    signing.decoded(secret)
    schemes = [
        scheme
        for scheme, (stamp, signatures) in SIGNED_BY.items()
        if any(name.lower() in arrived.headers for name in (stamp, *signatures))
    ]
    return [Verdict(scheme, tuple(_against(scheme, secret, arrived, now_seconds))) for scheme in schemes]


def _against(scheme: str, secret: str, arrived: Arrived, now_seconds: float) -> Iterator[str]:
    stamp_name, signature_names = SIGNED_BY[scheme]
    stamp = arrived.headers.get(stamp_name.lower())
    given = [arrived.headers[name.lower()] for name in signature_names if name.lower() in arrived.headers]
    if stamp is None:
        yield f"The header {stamp_name} is missing."
    elif not (stamp.isascii() and stamp.isdigit()):
        yield f"{stamp_name} is {stamp[:40]!r}, and not a number of seconds."
    elif abs(now_seconds - int(stamp)) > TOLERANCE_SECONDS:
        age = round(now_seconds - int(stamp))
        yield f"{stamp_name} is {abs(age)} s {'old' if age > 0 else 'in the future'}; 300 s are allowed."
    if not given:
        yield f"The header {signature_names[0]} is missing."
    if scheme == STANDARD and signing.WEBHOOK_ID not in arrived.headers:
        yield f"The header {signing.WEBHOOK_ID} is missing."
    elif stamp is not None and given and not _matches(scheme, secret, arrived, arrived.body):
        yield _why_not(scheme, secret, arrived)


def _matches(scheme: str, secret: str, arrived: Arrived, body: bytes, *, decoded: bool = False) -> bool:
    """Whether a signature is that of `body`; `decoded` uses the key as the other scheme does."""
    stamp = arrived.headers[SIGNED_BY[scheme][0].lower()]
    if scheme == RECURO:
        key = signing.decoded(secret) if decoded else secret.encode()
        expected = hmac.digest(key, stamp.encode() + b"." + body, "sha256").hex()
        return any(_is(arrived.headers.get(name.lower()), expected) for name in SIGNED_BY[RECURO][1])
    signature = signing.webhook_signature(secret, arrived.headers[signing.WEBHOOK_ID], stamp, body)
    given = arrived.headers[signing.WEBHOOK_SIGNATURE].split(" ")
    return any(_is(one, f"v1,{signature}") for one in given)


def _is(given: str | None, expected: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode(), expected.encode())


def _why_not(scheme: str, secret: str, arrived: Arrived) -> str:
    for what, body in likely_bodies(arrived.body):
        if _matches(scheme, secret, arrived, body):
            return (
                f"The signature is that of another body: it matches {what}. Verify the bytes as they arrived."
            )
    given = arrived.headers.get(signing.SIGNATURE.lower(), "")
    if scheme == RECURO and (len(given) != 64 or set(given) - set("0123456789abcdef")):
        return f"{signing.SIGNATURE} is not 64 lower-case hexadecimal digits, as a SHA-256 is."
    if scheme == STANDARD and "v1," not in arrived.headers[signing.WEBHOOK_SIGNATURE]:
        return f"{signing.WEBHOOK_SIGNATURE} holds no signature of version 1 (v1,…)."
    if scheme == RECURO and _matches(scheme, secret, arrived, arrived.body, decoded=True):
        return "It was signed with the decoded secret; Recuro's own scheme takes all of the text."
    return "The signature does not match: another secret, or a body or timestamp that changed on the way."


class WrongUse(Exception):
    """The command cannot judge its input; `str()` says why."""


def verify(secret: str, headers: Iterable[str], body: Path) -> int:
    """Print the verdict of each scheme; 0 if none is against the request, else 1. Raises WrongUse."""
    named = dict(_parted(header) for header in headers)
    try:
        content = sys.stdin.buffer.read() if str(body) == "-" else body.read_bytes()
    except OSError as error:
        raise WrongUse(f"{body} cannot be read: {error.strerror}") from None
    try:
        verdicts = judge(secret, Arrived(named, content), time.time())
    except ValueError:
        raise WrongUse("the secret is not whsec_ and base64 after it") from None
    for verdict in verdicts:
        reasons = "\n".join(f"FAIL {verdict.scheme}: {reason}" for reason in verdict.against)
        print(reasons or f"ok   {verdict.scheme}")
    if not verdicts:
        print(f"FAIL neither {signing.SIGNATURE} nor {signing.WEBHOOK_SIGNATURE} is among the headers")
    return 0 if verdicts and not any(verdict.against for verdict in verdicts) else 1


def _parted(header: str) -> tuple[str, str]:
    name, colon, value = header.partition(":")
    if not colon:
        raise WrongUse(f"the header {name[:40]!r} has no colon; write it as 'Name: value'")
    return name.strip().lower(), value.strip()
