"""The second factor: one-time codes of an app (TOTP, RFC 6238), and recovery codes for who has lost it."""

import hashlib
import hmac
import secrets
from datetime import datetime

import pyotp

ISSUER = "Recuro"
RECOVERY_CODES = 10
_DRIFT_STEPS = (0, -1, 1)
"""A clock may be half a minute off."""
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""No letter that is taken for another."""
_GROUPS, _GROUP_CHARACTERS = 4, 4
_PLACE = ("user", "second factor")


def place(user: int) -> tuple[str | int, ...]:
    """Of what the seal of a user's secret is a part."""
    return (*_PLACE, user)


def new_secret() -> str:
    return pyotp.random_base32()


def address_of(secret: str, email: str) -> str:
    """The `otpauth:` address that an app reads, as from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Of which step of the clock the code is, or None if it is of none about now."""
    totp, given = pyotp.TOTP(secret), "".join(code.split())
    step = totp.timecode(now)
    for drift in _DRIFT_STEPS:
        if hmac.compare_digest(totp.generate_otp(step + drift).encode(), given.encode()):
            return step + drift
    return None


def new_recovery_codes() -> list[str]:
    """Ten codes of 79 random bits each, as `k3mq-…`."""
    return ["-".join(_group() for _ in range(_GROUPS)) for _ in range(RECOVERY_CODES)]


def digest_of(recovery_code: str) -> str:
    """What is stored of it; blanks, hyphens and capitals make no difference."""
    plain = "".join(character for character in recovery_code.lower() if character.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()


def _group() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_CHARACTERS))
