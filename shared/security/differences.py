"""What of a received request differs from what was signed: its id, its time, the secret or the body.

A signature tells only whether all of them are as they were. Which one is not is found by trying what else it
may have been: another secret, a header that has the same, a body that was changed in one of the usual ways.
"""

import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from pydantic_core import from_json, to_json

from shared.schemas.teams import SignatureCheck, SignaturePart
from shared.security import signing

TOLERANCE_SECONDS = 300
"""Between the clocks of sender and receiver."""
V1_CHARACTERS = 47
"""Of a signature of Standard Webhooks: `v1,` and 32 bytes as base64. What is shorter or longer is none."""
_AS_IT_IS = ""
_IDS = (signing.WEBHOOK_ID, "idempotency-key")
_STAMPS = (signing.TIMESTAMP.lower(), signing.WEBHOOK_TIMESTAMP)
_OWN_SIGNATURES = (signing.SIGNATURE.lower(), signing.SIGNATURE_BEFORE.lower())


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request as it was received; header names in lower case."""

    headers: Mapping[str, str]
    body: bytes


class Secret(NamedTuple):
    """A secret that may have signed; `wrong` says why it should not have, and is empty of a good one."""

    text: str
    wrong: str = ""


class _Signed(NamedTuple):
    """With what a signature was made that a request has."""

    secret: Secret
    stamp: str
    """The header that has it."""
    change: str
    """Of the body that arrived, to make it the one that was signed."""
    id: str | None
    """The header that has it; None in Recuro's own scheme, which does not sign it."""


def compared(arrived: Arrived, secrets: Sequence[Secret], now_seconds: float) -> SignatureCheck:
    """What is as it was signed and what is not, at that Unix time; the secrets that are good come first."""
    signed = next(_by_standard(arrived, secrets), None) or next(_by_own(arrived, secrets), None)
    parts = {
        "id": _id(arrived, signed),
        "time": _time(arrived, signed, now_seconds),
        "secret": _secret(arrived, secrets, signed),
        "body": _body(signed),
    }
    is_wrong = any(part.result in ("differs", "missing", "old") for part in parts.values())
    return SignatureCheck(is_genuine=signed is not None and not is_wrong, **parts)


def likely_bodies(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Forms that the body may have had before the receiver changed it."""
    if body.endswith(b"\n"):
        yield "without the newline at its end", body.rstrip(b"\r\n")
    yield "with a newline at its end", body + b"\n"
    if b"\r\n" in body:
        yield "with LF instead of CR LF", body.replace(b"\r\n", b"\n")
    elif b"\n" in body:
        yield "with CR LF instead of LF", body.replace(b"\n", b"\r\n")
    if body.startswith(b"\xef\xbb\xbf"):
        yield "without the byte order mark", body[3:]
    try:
        compact = to_json(from_json(body))
    except ValueError:
        return
    if compact != body:
        yield "as compact JSON, without blanks", compact


def _bodies(arrived: Arrived) -> list[tuple[str, bytes]]:
    return [(_AS_IT_IS, arrived.body), *likely_bodies(arrived.body)]


def _by_standard(arrived: Arrived, secrets: Sequence[Secret]) -> Iterator[_Signed]:
    """The ways in which the signature of Standard Webhooks can have been made, the likeliest first."""
    headers = arrived.headers
    given = {
        one for one in headers.get(signing.WEBHOOK_SIGNATURE, "").split(" ") if len(one) == V1_CHARACTERS
    }
    ids, stamps = (_first(names, headers) for names in (_IDS, reversed(_STAMPS)))
    for (change, body), secret, id_, stamp in product(_bodies(arrived), secrets, ids, stamps):
        made = "v1," + signing.webhook_signature(secret.text, headers[id_], headers[stamp], body)
        if any(_is(one, made) for one in given):
            yield _Signed(secret, stamp, change, id_)


def _by_own(arrived: Arrived, secrets: Sequence[Secret]) -> Iterator[_Signed]:
    """The same of Recuro's own signatures."""
    headers = arrived.headers
    given = [headers[name] for name in _OWN_SIGNATURES if name in headers]
    stamps = _first(_STAMPS, headers)
    for (change, body), secret, stamp in product(_bodies(arrived) if given else (), secrets, stamps):
        made = signing.recuro_signature(secret.text, headers[stamp], body)
        if any(_is(one, made) for one in given):
            yield _Signed(secret, stamp, change, None)


def _first(names: Iterator[str] | Sequence[str], headers: Mapping[str, str]) -> list[str]:
    """Those that are there, each value once."""
    found: dict[str, str] = {}
    for name in names:
        if name in headers:
            found.setdefault(headers[name], name)
    return list(found.values())


def _is(given: str, made: str) -> bool:
    return hmac.compare_digest(given.encode(), made.encode())


def _id(arrived: Arrived, signed: _Signed | None) -> SignaturePart:
    id_, key = (arrived.headers.get(name) for name in _IDS)
    if signed and signed.id == signing.WEBHOOK_ID:
        return _same("webhook-id is the one that was signed.")
    if signed and signed.id:
        return _differs(
            "It was signed with the id that Idempotency-Key has; webhook-id is another, or missing."
        )
    if id_ is None:
        said = (
            "webhook-id did not arrive; Recuro's own signature does not cover it, Standard Webhooks needs it."
        )
        return SignaturePart(result="unknown" if signed else "missing", message=said)
    if key is not None and key != id_:
        return _differs("webhook-id and Idempotency-Key differ; they are equal when they leave.")
    if signed and signing.WEBHOOK_SIGNATURE in arrived.headers:
        return _differs(
            "Recuro's own signature matches and that of Standard Webhooks does not: the id was changed."
        )
    return _unknown("webhook-id is there; whether it is the one that was signed cannot be said.")


def _time(arrived: Arrived, signed: _Signed | None, now_seconds: float) -> SignaturePart:
    there = {name: arrived.headers[name] for name in _STAMPS if name in arrived.headers}
    if not there:
        return SignaturePart(
            result="missing", message="X-Recuro-Timestamp and webhook-timestamp did not arrive."
        )
    for name, stamp in there.items():
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
            return _differs(f"{name} is not a number of seconds.")
    if len(set(there.values())) > 1:
        which = f" {signed.stamp} has the one that was signed." if signed else ""
        return _differs(
            f"X-Recuro-Timestamp and webhook-timestamp differ; they are equal when they leave.{which}"
        )
    seconds = round(now_seconds - int(next(iter(there.values()))))
    if abs(seconds) > TOLERANCE_SECONDS:
        side = "old" if seconds > 0 else "in the future"
        said = f"It is {abs(seconds):,} s {side} by now, and receivers allow {TOLERANCE_SECONDS} s."
        was = "It is the one that was signed." if signed else "Whether it was signed cannot be said."
        return SignaturePart(result="old", message=f"{said} {was}")
    if not signed:
        return _unknown("It is of now; whether it is the one that was signed cannot be said.")
    return _same("It is the one that was signed, and of now.")


def _secret(arrived: Arrived, secrets: Sequence[Secret], signed: _Signed | None) -> SignaturePart:
    if signed:
        return _differs(signed.secret.wrong) if signed.secret.wrong else _same("It is a secret of this team.")
    if not any(name in arrived.headers for name in (*_OWN_SIGNATURES, signing.WEBHOOK_SIGNATURE)):
        said = "No signature arrived: the request was not signed, or a proxy dropped X-Recuro-Signature."
        return SignaturePart(result="missing", message=said)
    if not secrets:
        return SignaturePart(result="missing", message="This team has no signing secret: it signs nothing.")
    return _unknown(
        "No secret of this team made this signature: another did, or the body or the time was changed."
    )


def _body(signed: _Signed | None) -> SignaturePart:
    if signed is None:
        return _unknown("It does not match, in none of the usual forms; paste the bytes as they arrived.")
    if signed.change:
        return _differs(f"It matches {signed.change}: something rewrote it. Check the bytes as they arrived.")
    return _same("It is the one that was signed, byte by byte.")


def _same(message: str) -> SignaturePart:
    return SignaturePart(result="same", message=message)


def _differs(message: str) -> SignaturePart:
    return SignaturePart(result="differs", message=message)


def _unknown(message: str) -> SignaturePart:
    return SignaturePart(result="unknown", message=message)
