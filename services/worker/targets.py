"""What failures are alike in: the host and path of a URL without what differs from call to call."""

import re
from itertools import pairwise
from urllib.parse import urlsplit

ID, DATE = "{id}", "{date}"
MOST_CHARACTERS, MOST_HOST_CHARACTERS = 120, 120
_LONGEST_SEGMENT = 64
_DEFAULT_PORTS = {"http": 80, "https": 443}
_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_DATE = re.compile(r"(?<!\d)\d{4}-\d\d(?:-\d\d)?(?:T[\d:.]+Z?)?(?!\d)")
_HEX = re.compile(r"(?=.*\d)[0-9a-f]{8,}", re.IGNORECASE)
_VERSION = re.compile(r"v\d{1,3}(?:\.\d{1,3})*", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![%\d])\d{2,}|(?<![A-Za-z%\d])\d(?![A-Za-z\d])")
"""One digit within a word is a part of it, as in `oauth2` and `s3`."""
_TOKEN = re.compile(r"[A-Za-z0-9_+=~-]{8,}")
_LEAST_MIXED, _LEAST_LETTERS = 10, 20


def target_of(url: str) -> str:
    """`<host> <path>`, without the query; nothing of what is no URL."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return ""
    if not host:
        return ""
    host = f"[{host}]" if ":" in host else host
    if port not in (None, _DEFAULT_PORTS.get(parts.scheme.lower())):
        host = f"{host}:{port}"
    path = "/".join(map(_pattern, parts.path.split("/"))) or "/"
    return f"{_cut(host, MOST_HOST_CHARACTERS)} {_cut(path, MOST_CHARACTERS)}"


def _pattern(segment: str) -> str:
    """A part of a path, without what is an id or a date."""
    if not segment or _VERSION.fullmatch(segment):
        return segment
    if len(segment) > _LONGEST_SEGMENT or _UUID.fullmatch(segment) or _is_token(segment):
        return ID
    named = _DATE.sub(DATE, _UUID.sub(ID, segment))
    return "".join(
        part if part in (ID, DATE) else _NUMBER.sub(ID, part)
        for part in re.split(r"(\{id\}|\{date\})", named)
    )


def _is_token(segment: str) -> bool:
    """Whether it looks as programs make ids: hex, base64 or its like, and no words."""
    if _HEX.fullmatch(segment):
        return True
    if not _TOKEN.fullmatch(segment):
        return False
    has_digit, has_upper = any(map(str.isdigit, segment)), any(map(str.isupper, segment))
    if not any(map(str.islower, segment)):
        return has_digit and has_upper and segment.isalnum()
    if len(segment) >= _LEAST_MIXED and has_digit and has_upper:
        return True
    switches = sum(a.islower() and b.isupper() for a, b in pairwise(segment))
    return len(segment) >= _LEAST_LETTERS and switches * 5 >= len(segment)


def _cut(text: str, most: int) -> str:
    text = "".join(text.split()).replace("|", "%7C")  # by which problems are named
    return text if len(text) <= most else f"{text[: most - 1]}…"
