"""What pages say of moments, numbers and limits, in words."""

from collections.abc import Sequence
from datetime import datetime

from shared.schemas.accounts.tokens import TokenLimits

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
_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
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


def count(number: int, noun: str) -> str:
    """Three tokens, One member."""
    plural = noun if number == 1 else f"{noun}s"
    return f"{_NUMBERS[number] if number < len(_NUMBERS) else number} {plural}"


def day(moment: datetime) -> str:
    """27 December 2026"""
    return f"{moment.day} {moment:%B %Y}"


def date(moment: datetime) -> str:
    """27 Dec 2026"""
    return f"{moment.day} {moment:%b %Y}"


def moment(moment: datetime) -> str:
    """27 December 2026, 12:04 UTC"""
    return f"{day(moment)}, {moment:%H:%M} UTC"


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


def every(seconds: int) -> str:
    """every 5 minutes"""
    for unit, size in _UNITS:
        if seconds % size == 0:
            number = seconds // size
            return f"every {unit}" if number == 1 else f"every {number} {unit}s"
    raise AssertionError(seconds)


def may(scopes: Sequence[str]) -> str:
    """What a token may, by the widest of its scopes."""
    return _MAY[scopes[-1]]


def limits(given: TokenLimits) -> str:
    """Only hosts a and b, no deleting, 500 calls a day; empty without limits."""
    parts = []
    if given.hosts:
        parts.append(f"only {_named('host', given.hosts)}")
    if given.queues:
        parts.append(f"only {_named('queue', given.queues)}")
    if given.min_interval_seconds:
        parts.append(f"crons {every(given.min_interval_seconds)} at most")
    if not given.may_delete:
        parts.append("no deleting")
    for number, what in (
        (given.calls_per_hour, "call an hour"),
        (given.calls_per_day, "call a day"),
        (given.runs_per_hour, "run an hour"),
        (given.runs_per_day, "run a day"),
    ):
        if number:
            noun, _, rest = what.partition(" ")
            parts.append(f"{number:,} {noun}{'' if number == 1 else 's'} {rest}")
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]


def _named(noun: str, names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"{noun} {names[0]}"
    return f"{noun}s {', '.join(names[:-1])} and {names[-1]}"


def interface(name: str | None) -> str:
    """REST, MCP, command line, page."""
    return {"rest": "REST", "mcp": "MCP", "cli": "command line", "web": "page"}.get(name or "", name or "")


def browser(client: str) -> str:
    """Firefox on Linux; what no browser that we know calls itself stays as it is."""
    name = next((name for mark, name in _BROWSERS if mark in client), None)
    if name is None:
        return client or "Unknown"
    system = next((system for mark, system in _SYSTEMS if mark in client), None)
    return f"{name} on {system}" if system else name
