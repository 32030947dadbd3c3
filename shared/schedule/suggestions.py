"""Suggest a valid cron expression for an invalid one."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from shared.schedule.expressions import MACROS, parse

_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_WORD = re.compile(r"[A-Za-z]{3,}")
_EVERY = re.compile(r"every\s+(?:(\d+)\s+)?(second|minute|hour|day|week|month|year)s?")
_UNITS = {
    "second": "*/{n} * * * * *",
    "minute": "*/{n} * * * *",
    "hour": "0 */{n} * * *",
    "day": "0 0 */{n} * *",
    "month": "0 0 1 */{n} *",
}
_SINGLE = {
    "second": "* * * * * *",
    "minute": "* * * * *",
    "hour": "@hourly",
    "day": "@daily",
    "week": "@weekly",
    "month": "@monthly",
    "year": "@yearly",
}
_PERIODS = (60, 24)  # of minutes and hours: a multiple of these is written as 0


def suggest(expression: str) -> str | None:
    """A valid expression that was probably meant, if there is a likely one."""
    for candidate in _candidates(expression.strip()[:255]):
        try:
            parse(candidate)
        except ValueError:
            continue
        return candidate
    return None


def _candidates(text: str) -> Iterator[str]:
    yield from _macros(text)
    if match := _EVERY.fullmatch(text.lower()):
        number, unit = match.groups()
        yield _UNITS.get(unit, "").format(n=number) if number else _SINGLE[unit]
    spelled = _WORD.sub(_spelled, text)
    yield spelled
    fields = spelled.split()
    if len(fields) == 7:
        yield " ".join(fields[:6])  # with a year, as Quartz writes it
    if len(fields) == 5:
        yield " ".join(_whole_periods(fields))
        if fields[0].isdecimal() and fields[1].isdecimal():
            yield " ".join([fields[1], fields[0], *fields[2:]])  # hour before minute, as people say it


def _macros(text: str) -> Iterator[str]:
    if " " not in text:
        yield from get_close_matches(f"@{text.lower().lstrip('@')}", MACROS, 1, 0.75)


def _spelled(match: re.Match[str]) -> str:
    """The name of a month or day that the word resembles, else the word."""
    word = match[0].upper()
    if word[:3] in (*_NAMES, *_DAYS):
        return word[:3]
    return next(iter(get_close_matches(word, (*_NAMES, *_DAYS), 1, 0.6)), match[0])


def _whole_periods(fields: list[str]) -> list[str]:
    minute, hour = (
        "0" if text in (str(period), f"*/{period}") else text
        for text, period in zip(fields, _PERIODS, strict=False)
    )
    return [minute, hour, *fields[2:]]
