"""Check the URL of a Redis, and say what is wrong without its password."""

import re
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

SCHEMES = ("redis", "rediss", "unix")
_FLAGS = ("true", "false", "yes", "no", "1", "0")
_TEXT = ("username", "password", "client_name")
_TLS = ("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_password")
_OPTIONS = {
    "db": re.compile(r"\d{1,9}"),
    **dict.fromkeys(_TEXT, re.compile(".+", re.DOTALL)),
    **dict.fromkeys(_TLS, re.compile(".+", re.DOTALL)),
    "ssl_cert_reqs": re.compile("required|optional|none"),
    "ssl_check_hostname": re.compile("|".join(_FLAGS), re.IGNORECASE),
}
"""The client's other options are ours to set (time limits, decoding), or fail at the first connection."""
_ESCAPED = "in the user and the password write / ? # @ : and % as %2F %3F %23 %40 %3A and %25"


def problem(url: str) -> str | None:
    """What is wrong, without quoting user, password or options; None if the client accepts the URL."""
    if re.search(r"[\s\x00-\x1f]", url):
        return "must hold no blanks or line ends"
    if url.partition("://")[0] not in SCHEMES:
        return "must start with redis://, rediss:// or unix://"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return f"must have a port from 1 to 65535 after the host, or none; {_ESCAPED}"
    if port == 0:
        return "must have a port from 1 to 65535 after the host, or none"
    if parts.fragment or "#" in url:
        return f"must have no # in it: {_ESCAPED}"
    return _place(parts) or _options(parts)


def _place(parts: SplitResult) -> str | None:
    if parts.scheme == "unix":
        if not parts.path.startswith("/") or parts.hostname:
            return "must name the socket by its whole path, as in unix:///run/redis.sock"
        return None
    if not parts.hostname:
        return f"must name a host, as in {parts.scheme}://redis.example:6379/0; {_ESCAPED}"
    if not re.fullmatch(r"(/\d{0,9})?", parts.path):
        return f"must end with the number of a database, as in /0, or with the port; {_ESCAPED}"
    return None


def _options(parts: SplitResult) -> str | None:
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        known = _OPTIONS.get(name)
        if known is None or (name.startswith("ssl_") and parts.scheme != "rediss"):
            names = [each for each in _OPTIONS if parts.scheme == "rediss" or not each.startswith("ssl_")]
            return f"has an option after the ? that is not known: known are {', '.join(names)}; {_ESCAPED}"
        if not known.fullmatch(unquote(value)):
            return f"has a value of the option {name} that is none"
    return None
