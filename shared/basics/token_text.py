"""The text of a token: `rc_`, 43 random characters, `_` and a checksum, so that scanners find leaked ones."""

import re
import secrets
import string
from binascii import crc32

_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_CHECKED = re.compile(r"(rc_[\w-]{43})_([0-9A-Za-z]{6})", re.ASCII)
_RANDOM = re.compile(r"rc_[\w-]{43}(?:_[0-9A-Za-z]{6})?", re.ASCII)
SHOWN = 4
"""So many characters at its end tell tokens apart, and help nobody who has no more."""


def new() -> str:
    """A new one, of 256 random bits."""
    text = f"rc_{secrets.token_urlsafe(32)}"
    return f"{text}_{_checksum(text)}"


def is_random(text: str) -> bool:
    """Whether it has the form of those that we make, now or in earlier versions without a checksum."""
    return bool(_RANDOM.fullmatch(text))


def is_mistyped(text: str) -> bool:
    """Whether it has the form of ours and a checksum that is not its own."""
    found = _CHECKED.fullmatch(text)
    return found is not None and found[2] != _checksum(found[1])


def _checksum(text: str) -> str:
    number, digits = crc32(text.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, len(_DIGITS))
        digits += _DIGITS[digit]
    return digits
