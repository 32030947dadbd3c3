"""ID tokens: whether the provider signed one for us and for this sign-in (OpenID Connect Core, 3.1.3.7)."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import ClaimError, JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""Only those with a key that the provider alone has: not `none`, and no secret that both know."""
LEEWAY_SECONDS = 60
MOST_KEYS, LEAST_RSA_BITS = 100, 2048
MOST_CHARACTERS = 64 * 1024
MOST_SUBJECT = 255
_ODD = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What the libraries raise of tokens and keys that are none."""

Key = RSAKey | ECKey | OKPKey
_KINDS: Mapping[str, type[Key]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


class Untrusted(Exception):
    """It is no ID token for us: `str` says why, in a part of a sentence without what is in it."""


class UnknownKey(Untrusted):
    """None of the keys is that with which it is signed; the provider may have others by now."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What an answer has to say."""

    issuer: str
    client: str
    nonce: str = field(repr=False)
    access_token: str = field(repr=False)


def keys_of(document: Mapping[str, object]) -> tuple[Key, ...]:
    """The keys of a JWKS with which a provider may sign; what is none is passed over."""
    listed = document.get("keys")
    rows = listed[:MOST_KEYS] if isinstance(listed, list) else []
    return tuple(key for row in rows if isinstance(row, dict) for key in _key(row))


def verified(token: str, keys: Sequence[Key], expected: Expected, now: datetime) -> Mapping[str, Any]:
    """What the token says; raises Untrusted."""
    if len(token) > MOST_CHARACTERS:
        raise Untrusted("it is too long")
    claims: Any = _signed(token, keys, expected)
    try:
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY_SECONDS)
    except ClaimError as error:
        raise Untrusted(_WRONG.get(error.claim.partition(",")[0], "it is no ID token")) from None
    except _ODD:
        raise Untrusted("it is no ID token") from None
    if len(claims["sub"]) > MOST_SUBJECT:
        raise Untrusted(_WRONG["sub"])
    return dict(claims)


_WRONG = {
    "iss": "it is of another issuer",
    "aud": "it is for another client",
    "azp": "it is for another client",
    "exp": "it is too old",
    "iat": "it is not valid yet",
    "nbf": "it is not valid yet",
    "nonce": "it is of another sign-in",
    "at_hash": "it does not belong to the access token that came with it",
    "sub": "it does not say who signed in",
}


def _signed(token: str, keys: Iterable[Key], expected: Expected) -> CodeIDToken:
    """The claims, by the one key with which the token may be signed; they are still to be compared."""
    try:
        header = jws.extract_compact(token.encode()).headers()
    except _ODD:
        raise Untrusted("it is no ID token") from None
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise Untrusted("it is not signed as a provider signs")
    key = _key_for(header, algorithm, keys)
    # A header of the provider's own does no harm; one that must be understood is refused still.
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)  # providers still call Ed25519 EdDSA
            found = jwt.decode(token, key, [algorithm], registry)
    except _ODD:
        raise UnknownKey("its signature is wrong") from None
    return CodeIDToken(
        found.claims,
        found.header,
        options={
            "iss": {"essential": True, "value": expected.issuer},
            "aud": {"essential": True, "value": expected.client},
            "sub": {"essential": True},
        },
        params={
            "client_id": expected.client,
            "nonce": expected.nonce,
            "access_token": expected.access_token,
        },
    )


def _key_for(header: Mapping[str, Any], algorithm: str, keys: Iterable[Key]) -> Key:
    named = header.get("kid")
    kind = KEY_TYPES[algorithm[:2]]
    fitting = [
        key
        for key in keys
        if key.key_type == kind
        and key.get("alg", algorithm) == algorithm
        and (named is None or key.get("kid") == named)
    ]
    if not fitting:
        raise UnknownKey("it is signed with a key that the provider does not publish")
    if len(fitting) > 1:
        raise Untrusted("it does not say with which of the keys it is signed")
    return fitting[0]


def _key(row: dict[str, Any]) -> tuple[Key, ...]:
    kind = _KINDS.get(str(row.get("kty")))
    if kind is None or row.get("use", "sig") != "sig":
        return ()
    try:
        key = kind.import_key(row)
    except (*_ODD, SecurityWarning):
        return ()
    if isinstance(key, RSAKey) and key.raw_value.key_size < LEAST_RSA_BITS:
        return ()
    return (key,)
