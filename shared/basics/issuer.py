"""Addresses of a provider of OpenID Connect: where people may be sent to sign in."""

import re

_REST = r"(?::\d{1,5})?(?:/[\w.~%/-]*)?"
_HTTPS = re.compile(rf"https://[\w.-]+{_REST}", re.ASCII)
_LOOPBACK = re.compile(rf"http://(?:localhost|127\.0\.0\.1|\[::1\]){_REST}", re.ASCII)
_QUERY = re.compile(r"[\w.~%/?&=+:@!$*,-]*", re.ASCII)


def is_issuer(text: str) -> bool:
    """Whether it may name a provider: by https, or on this machine itself."""
    return bool(_HTTPS.fullmatch(text) or _LOOPBACK.fullmatch(text))


def is_endpoint(text: str, issuer: str) -> bool:
    """Whether that provider may have this address; only one on this machine has others that are not https."""
    place, _, query = text.partition("?")
    may_be_plain = bool(_LOOPBACK.fullmatch(issuer))
    is_place = _HTTPS.fullmatch(place) or (may_be_plain and _LOOPBACK.fullmatch(place))
    return bool(is_place and _QUERY.fullmatch(query))
