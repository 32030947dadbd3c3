"""What pages say of moments, numbers and limits, in words."""

from collections.abc import Sequence
from datetime import datetime, timedelta

_NUMBERS = (
    "No",
    "One",
    "Two",
    "Three",
    "Four",
    "Five",
    "Six",
    "Seven",
    "Eight",
    "Nine",
    "Ten",
    "Eleven",
    "Twelve",
)
_BROWSERS = (
    ("Firefox/", "Firefox"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
_MAY = {"read": "Read", "write": "Read and write", "admin": "Everything"}


def number(count: int) -> str:
    """No, One … Twelve, 13, 1,204: for the first word of a sentence."""
    return _NUMBERS[count] if count < len(_NUMBERS) else f"{count:,}"


def count(many: int, noun: str) -> str:
    """Three tokens, One member."""
    return f"{number(many)} {noun if many == 1 else f'{noun}s'}"


def here(moment: datetime, now: datetime) -> datetime:
    """By the clock of the reader, in whose zone the page's own `now` is."""
    return moment.astimezone(now.tzinfo)


def zone(now: datetime) -> str:
    """Europe/Berlin, UTC."""
    return str(now.tzinfo)


def city(now: datetime) -> str:
    """Berlin, New York, UTC."""
    return zone(now).rpartition("/")[2].replace("_", " ")


def day(moment: datetime, now: datetime) -> str:
    """27 December 2026"""
    at = here(moment, now)
    return f"{at.day} {at:%B %Y}"


def date(moment: datetime, now: datetime) -> str:
    """27 Dec 2026"""
    at = here(moment, now)
    return f"{at.day} {at:%b %Y}"


def clock(moment: datetime, now: datetime) -> str:
    """12:04:31"""
    return f"{here(moment, now):%H:%M:%S}"


def moment(moment: datetime, now: datetime) -> str:
    """27 December 2026, 13:04 Europe/Berlin"""
    return f"{day(moment, now)}, {here(moment, now):%H:%M} {zone(now)}"


def ago(moment: datetime, now: datetime) -> str:
    """2 s ago, 5 min ago, 3 h ago, 84 days ago."""
    seconds = max(0, int((now - moment).total_seconds()))
    if seconds < 60:
        return f"{seconds} s ago"
    if seconds < 3600:
        return f"{seconds // 60} min ago"
    if seconds < 86_400:
        return f"{seconds // 3600} h ago"
    days = seconds // 86_400
    return "1 day ago" if days == 1 else f"{days} days ago"


def is_over(end: datetime | None, now: datetime) -> bool:
    return end is not None and end <= now


def is_soon(end: datetime | None, now: datetime) -> bool:
    """Whether it is less than a week ahead."""
    return end is not None and now < end < now + timedelta(days=7)


def ahead(end: datetime, now: datetime) -> str:
    """in 5 min, in 3 h, in 1 day, in 6 days."""
    return f"in {ago(now, end).removesuffix(' ago')}"


def may(scopes: Sequence[str]) -> str:
    """What a token may, by the widest of its scopes."""
    return _MAY[scopes[-1]]


def interface(name: str | None) -> str:
    """REST, MCP, command line, page."""
    return {"rest": "REST", "mcp": "MCP", "cli": "command line", "web": "page"}.get(name or "", name or "")


def in_fours(secret: str) -> str:
    """JBSW Y3DP EHPK 3PXP: to be read out and typed; apps take the blanks."""
    return " ".join(secret[first : first + 4] for first in range(0, len(secret), 4))


def browser(client: str) -> str:
    """Firefox on Linux; what no browser that we know calls itself stays as it is."""
    name = next((name for mark, name in _BROWSERS if mark in client), None)
    if name is None:
        return client or "Unknown"
    system = next((system for mark, system in _SYSTEMS if mark in client), None)
    return f"{name} on {system}" if system else name
