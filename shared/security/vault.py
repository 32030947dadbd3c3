"""Secrets at rest: sealed with a key that Redis never sees, and never shown."""

import base64
import hmac
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.basics.memory import MEBIBYTE, RememberedOfSeveral, remembered
from shared.basics.redaction import REDACTED
from shared.settings import Settings

KEY_FILE = "encryption.key"
DIGEST_CHARACTERS = 32
MASK = "********"
"""Shown instead of a secret."""
_SEALED = "\0"
"""The beginning of sealed text: no header value or other text of a caller can contain a NUL."""
_BOUND = "\0@"
"""The beginning of a sealed header that opens for one origin only; older ones open for any."""
_NAMES, _PARTS = frozenset(("authorization", "cookie")), ("token", "key", "secret")
_NO_SECRET = "idempotency-key"
"""No secret though its name contains `key`: it identifies a request, and is echoed."""
_KEPT_BYTES = 8 * MEBIBYTE


class Unsealable(Exception):
    """It was sealed with a key that is not ours, or for another place than this."""

    def __init__(self) -> None:
        super().__init__(
            "A stored secret cannot be read with RECURO_ENCRYPTION_KEY; set the key it was sealed with."
        )


class Vault:
    """Seals with the first key and opens with any.

    `place` (a team and the purpose of the text) is part of the seal: text copied elsewhere does not open. The
    same text in the same place has the same seal (AES-SIV, RFC 5297), so that repeats are found equal.
    """

    def __init__(self, *keys: str) -> None:
        self._ciphers = [AESSIV(_derived(key, b"recuro vault")) for key in keys]
        self.name = _derived(keys[0], b"recuro key name")[:8].hex()
        """A name of the first key, which reveals nothing about the key."""
        self._digest_keys = [_derived(key, b"recuro digest") for key in reversed(keys)]
        self._opened = RememberedOfSeveral(self._open, _KEPT_BYTES)

    def seal(self, text: str, *place: str | int) -> str:
        sealed = self._ciphers[0].encrypt(text.encode(), _associated(place))
        return _SEALED + base64.b64encode(sealed).decode()

    def open(self, sealed: str, *place: str | int) -> str:
        """The opened text; raises Unsealable."""
        return self._opened(sealed, place)

    def digests(self, *parts: str) -> list[str]:
        """A digest by each key, the oldest first; digests are equal only for equal texts.

        Without a key they reveal nothing about the texts.
        """
        text = b"\0".join(part.encode() for part in parts)
        found = (hmac.digest(key, text, "sha256").hex() for key in self._digest_keys)
        return [digest[:DIGEST_CHARACTERS] for digest in found]

    def _open(self, sealed: str, place: tuple[str | int, ...]) -> str:
        for cipher in self._ciphers:
            try:
                content = base64.b64decode(sealed.removeprefix(_SEALED), validate=True)
                return cipher.decrypt(content, _associated(place)).decode()
            except (InvalidTag, ValueError):
                continue
        raise Unsealable

    def reseal(self, sealed: str, *place: str | int) -> str:
        """The same text, sealed again with the first key; raises Unsealable."""
        return self.seal(self.open(sealed, *place), *place)

    def seal_headers(
        self,
        headers: Mapping[str, str],
        team: int,
        origin: str,
        is_chosen: Callable[[str], bool] | None = None,
    ) -> dict[str, str]:
        """Headers with the secret ones, or those chosen by name, sealed for requests to one origin.

        Sealed ones stay as they are.
        """
        is_chosen = is_chosen or is_secret
        return {
            name: self._seal_header(name, value, team, origin)
            if is_chosen(name) and not is_sealed(value)
            else value
            for name, value in headers.items()
        }

    def reseal_headers(self, headers: Mapping[str, str], team: int, origin: str) -> dict[str, str]:
        """Sealed headers, sealed again for that origin with the first key; raises Unsealable."""
        opened = self.open_headers(headers, team, origin)
        return {name: self._seal_header(name, value, team, origin) for name, value in opened.items()}

    def open_headers(self, headers: Mapping[str, str], team: int, origin: str) -> dict[str, str]:
        """Headers with their secrets opened for that origin; raises Unsealable."""
        return {
            name: self._open_header(name, value, team, origin) if is_sealed(value) else value
            for name, value in headers.items()
        }

    def _seal_header(self, name: str, value: str, team: int, origin: str) -> str:
        return _BOUND + self.seal(value, *_header(team, name, origin)).removeprefix(_SEALED)

    def _open_header(self, name: str, sealed: str, team: int, origin: str) -> str:
        if sealed.startswith(_BOUND):
            return self.open(sealed.removeprefix(_BOUND), *_header(team, name, origin))
        return self.open(sealed, *_header(team, name))


def is_sealed(value: str) -> bool:
    return value.startswith(_SEALED)


@remembered(MEBIBYTE)
def is_secret(name: str) -> bool:
    """Whether a header of that name has a secret: authorization, cookie, or token, key or secret in it."""
    lower = name.lower()
    return lower in _NAMES or (lower != _NO_SECRET and any(part in lower for part in _PARTS))


@remembered(MEBIBYTE)
def secret_ones(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names of headers that have a secret."""
    return tuple(filter(is_secret, names))


def masked(headers: Mapping[str, str] | None) -> dict[str, str] | None:
    """Headers with their secrets masked."""
    if headers is None:
        return None
    return {**headers, **dict.fromkeys(secret_ones(tuple(headers)), MASK)}


def shown(headers: Mapping[str, str] | None) -> dict[str, str] | None:
    """Stored headers with their secrets masked, and without the others that are sealed."""
    found = masked(headers)
    if found:
        found.update((name, REDACTED) for name, value in found.items() if is_sealed(value))
    return found


def load(settings: Settings) -> Vault:
    """The vault of this installation; ends the process with one line if there can be no key.

    Without RECURO_ENCRYPTION_KEY the key is in a file of the data directory, made by the first process.
    """
    if settings.encryption_key is not None:
        return Vault(*settings.encryption_key.get_secret_value().split(","))
    path = settings.data_dir / KEY_FILE
    try:
        return Vault(_kept_in(path))
    except OSError as error:
        why = f"{path} cannot be read or made ({error.strerror})"
        sys.exit(f"RECURO_ENCRYPTION_KEY is required: it seals stored secrets, and {why}")


def _kept_in(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with open(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(fresh, path)  # atomic: another service may do the same at the same time
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()


def _derived(key: str, use: bytes) -> bytes:
    return HKDF(SHA256(), length=64, salt=None, info=use).derive(key.encode())


def _header(team: int, name: str, *origin: str) -> tuple[str | int, ...]:
    return (team, "header", name.lower(), *origin)


def _associated(place: tuple[str | int, ...]) -> list[bytes]:
    return [str(part).encode() for part in place]
