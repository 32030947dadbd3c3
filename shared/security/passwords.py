"""Passwords: hashed with Argon2id beside the event loop, a few at once, for each takes 64 MiB."""

import secrets
import unicodedata

from anyio import CapacityLimiter, to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared.errors import Invalid
from shared.security import commonest

AT_ONCE = 4
LEAST_CHARACTERS, MOST_CHARACTERS = 10, 200


class Passwords:
    """Hashes passwords and verifies them; of an unknown user that takes as long as of a known one."""

    def __init__(self, hasher: PasswordHasher | None = None, at_once: int = AT_ONCE) -> None:
        self._hasher = hasher or PasswordHasher()  # the parameters of RFC 9106 for little memory
        self._limiter = CapacityLimiter(at_once)
        self._nobodys = ""

    async def hashed(self, password: str) -> str:
        return await to_thread.run_sync(self._hasher.hash, _normal(password), limiter=self._limiter)

    async def is_right(self, stored: str | None, password: str) -> bool:
        """Whether that is the password of which this hash is stored; False where none is."""
        self._nobodys = self._nobodys or await self.hashed(secrets.token_hex())
        given = _normal(password[: MOST_CHARACTERS + 1])  # whoever sends a megabyte has no password of ours
        is_right = await to_thread.run_sync(
            self._verified, stored or self._nobodys, given, limiter=self._limiter
        )
        return is_right and bool(stored)

    def is_outdated(self, stored: str) -> bool:
        """Whether it was hashed with other parameters than we use now."""
        return self._hasher.check_needs_rehash(stored)

    def _verified(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def check(password: str, *of_the_user: str, field: str = "password") -> None:
    """Raise Invalid for a password that somebody who guesses would try; `of_the_user`: address and name."""
    if len(_normal(password)) < LEAST_CHARACTERS:
        raise Invalid(field, f"The {field} field must have {LEAST_CHARACTERS} characters or more.")
    if len(password) > MOST_CHARACTERS:
        raise Invalid(field, f"The {field} field must have {MOST_CHARACTERS} characters at most.")
    if commonest.is_of(password, *of_the_user):
        raise Invalid(
            field, f"The {field} field must not be made of your address or name; take unrelated words."
        )
    if commonest.is_common(password):
        raise Invalid(
            field, f"The {field} field must not be one of the passwords that are tried first; take another."
        )


def _normal(password: str) -> str:
    """The same characters typed on another keyboard are the same password (NFKC, as NIST SP 800-63B says)."""
    return unicodedata.normalize("NFKC", password)
