"""Sign what Recuro sends, by its own scheme and by that of Standard Webhooks (spec §4)."""

import base64
import hmac
import secrets as random
from collections.abc import Sequence
from functools import lru_cache

PREFIX = "whsec_"
SECRET_BYTES = 32
TIMESTAMP, SIGNATURE, SIGNATURE_BEFORE = (
    "X-Recuro-Timestamp",
    "X-Recuro-Signature",
    "X-Recuro-Signature-Previous",
)
WEBHOOK_ID, WEBHOOK_TIMESTAMP, WEBHOOK_SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
SIGNATURES = (SIGNATURE, SIGNATURE_BEFORE, WEBHOOK_SIGNATURE)


def new_secret() -> str:
    """`whsec_` and base64 of 32 random bytes, as the libraries of Standard Webhooks take it."""
    return PREFIX + base64.b64encode(random.token_bytes(SECRET_BYTES)).decode()


def headers_of(secrets: Sequence[str], message_id: str, body: bytes, now_seconds: int) -> dict[str, str]:
    """The headers that sign a request at that Unix time; `secrets` are the valid ones, newest first.

    `message_id` stays the same over the attempts of one message.
    """
    stamp = str(now_seconds)
    headers = {TIMESTAMP: stamp, SIGNATURE: recuro_signature(secrets[0], stamp, body)}
    if len(secrets) > 1:
        headers[SIGNATURE_BEFORE] = recuro_signature(secrets[1], stamp, body)
    headers[WEBHOOK_ID] = message_id
    headers[WEBHOOK_TIMESTAMP] = stamp
    signatures = [webhook_signature(secret, message_id, stamp, body) for secret in secrets]
    headers[WEBHOOK_SIGNATURE] = " ".join(f"v1,{signature}" for signature in signatures)
    return headers


def recuro_signature(secret: str, timestamp: str, body: bytes) -> str:
    """Lower-case hex HMAC-SHA256 of `{timestamp}.{body}`; the key is the whole secret as it is written."""
    return hmac.digest(secret.encode(), timestamp.encode() + b"." + body, "sha256").hex()


def webhook_signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """Base64 HMAC-SHA256 of `{id}.{timestamp}.{body}`; the key is what the secret encodes after `whsec_`."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(decoded(secret), signed, "sha256")).decode()


@lru_cache(1024)
def decoded(secret: str) -> bytes:
    """The key bytes of a secret; raises ValueError if it is not base64 after `whsec_`."""
    return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
