"""What a token may do less than its scopes say, in words: on pages, and at the command line."""

from collections.abc import Sequence

from shared.schemas.accounts.tokens import TokenLimits

_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))


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


def every(seconds: int) -> str:
    """every 5 minutes"""
    for unit, size in _UNITS:
        if seconds % size == 0:
            number = seconds // size
            return f"every {unit}" if number == 1 else f"every {number} {unit}s"
    raise AssertionError(seconds)
