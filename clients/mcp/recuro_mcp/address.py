"""The address of the gateway, checked before anything is sent there."""

import re
from typing import NamedTuple
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}
_NOT_IN_URLS = re.compile(r"[\x00-\x20\x7f\\]")


class NoAddress(Exception):
    """What is wrong with it, to be read after the name of the setting."""


class Address(NamedTuple):
    """Where requests go."""

    url: str
    host: str
    """As it is looked up."""
    port: int
    netloc: str
    """As it stands in the Host header."""
    path: str
    is_tls: bool

    @classmethod
    def of(cls, url: str) -> "Address":
        """Raises NoAddress."""
        if _NOT_IN_URLS.search(url):
            raise NoAddress("must not contain blanks, backslashes or control characters")
        if not url.lower().startswith(("http://", "https://")):
            raise NoAddress("must start with http:// or https://")
        try:
            parts = urlsplit(url)
            port = PORTS[parts.scheme] if parts.port is None else parts.port
        except ValueError as error:
            raise NoAddress(f"must be a valid URL ({error})") from None
        if "@" in parts.netloc:
            raise NoAddress("must not carry a user name or password")
        if not parts.hostname:
            raise NoAddress("must name a host")
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            path.encode("ascii")
            netloc = parts.netloc.encode("idna").decode()
            host = parts.hostname.encode("idna").decode()
        except UnicodeError:
            raise NoAddress("must be a valid URL (percent-encode what is not ASCII)") from None
        return cls(url, host, port, netloc, path, parts.scheme == "https")
