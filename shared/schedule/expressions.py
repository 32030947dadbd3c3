"""Parse cron expressions: a grammar narrower than croniter's, and the fields an expression expands to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from croniter import croniter

from shared.basics.memory import MEBIBYTE, remembered

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
LAST = -1  # the last such weekday of a month, where 1-5 would be the first to the fifth

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_MONTH_NAMES = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_MONTH_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

_VALUE = r"[0-9]+|[A-Z]{3}"
_PART = re.compile(rf"(?:\*|({_VALUE})(?:-({_VALUE}))?)(?:/([0-9]+))?")
_ZONE_BEFORE = re.compile(r"""(?:CRON_)?TZ=["':]*([^"']*)["']?""", re.I)
_ZONE_AFTER = re.compile(
    r"(UTC|GMT|(?:Africa|America|Antarctica|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific|US)/\S+)", re.I
)
_LAST_WORKDAY = "LW"
_WORKDAY = re.compile(r"([0-9]+)W")
_WEEKDAY_OF_MONTH = re.compile(rf"L({_VALUE})|({_VALUE})L|({_VALUE})#([1-5])")


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    low: int
    high: int
    size: int
    names: tuple[str, ...] = ()

    @property
    def bounds(self) -> str:
        """What is allowed here, in the words of the messages."""
        numbers = f"{self.low}-{self.high}"
        return f"{numbers} or {self.names[0]}-{self.names[-1]}" if self.names else numbers


_SECOND = _Field("second", 0, 59, 60)
_MINUTE = _Field("minute", 0, 59, 60)
_HOUR = _Field("hour", 0, 23, 24)
_DAY = _Field("day-of-month", 1, 31, 31)
_MONTH = _Field("month", 1, 12, 12, _MONTHS)
_WEEKDAY = _Field("day-of-week", 0, 7, 7, _WEEKDAYS)
_FIVE = (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)


@dataclass(frozen=True, slots=True, eq=False)  # compared and hashed by identity: `parse` keeps one of each
class Fields:
    """The values an expression allows, ascending; weekdays count from Sunday, 0."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    last_day: bool
    workday: int | None  # a day, of which the nearest Monday to Friday of its month is meant
    last_workday: bool
    months: frozenset[int]
    weekdays: frozenset[int]
    weekdays_of_month: frozenset[tuple[int, int]]  # (weekday, 1-5 or LAST)
    either_day: bool  # neither day field has a star: then a date must match only one of them (crontab(5))
    fixed_hours: bool  # no wildcard or step in the hour field: what a clock change skips must not be lost
    fixed_times: bool  # nor in the minute field: a time that the clock shows twice must fire once


def plain(expression: str) -> list[str]:
    """Its five or six fields in a form that croniter cannot misread; raises ValueError as `parse` does."""
    texts = _split(expression)
    fields = (_SECOND, *_FIVE)[-len(texts) :]
    return [_plain(field, text.upper()) for field, text in zip(fields, texts, strict=True)]


@remembered(32 * MEBIBYTE, per_entry=6000)
def parse(expression: str) -> Fields:
    """Expand an expression, or raise ValueError with what is wrong and what to write instead."""
    texts, plain_texts = _split(expression), plain(expression)
    workday = plain_texts[-3] if plain_texts[-3].endswith("W") else ""  # unknown to croniter
    known = [*plain_texts[:-3], "*" if workday else plain_texts[-3], *plain_texts[-2:]]
    expanded, of_month = croniter.expand(" ".join(known), second_at_beginning=True)
    minutes, hours, days, months, weekdays = map(_values, _FIVE, expanded[:5])
    fixed_hours = len(hours) < _HOUR.size and not set("*/") & set(texts[-4])
    parsed = Fields(
        seconds=_values(_SECOND, expanded[5]) if len(expanded) > 5 else (0,),
        minutes=minutes,
        hours=hours,
        days=frozenset() if workday else frozenset(days),
        last_day="l" in expanded[2],
        workday=int(workday[:-1]) if workday[:-1].isdigit() else None,
        last_workday=workday == _LAST_WORKDAY,
        months=frozenset(months),
        weekdays=frozenset() if of_month else frozenset(weekdays),
        weekdays_of_month=_weekdays_of_month(of_month),
        either_day=not set("*?") & set(texts[-3] + texts[-1]),
        fixed_hours=fixed_hours,
        fixed_times=fixed_hours and _are_fixed(minutes, texts[-5]),
    )
    _refuse_impossible_date(parsed, plain_texts[-1])
    return parsed


def _are_fixed(minutes: tuple[int, ...], text: str) -> bool:
    return len(minutes) == 1 or (len(minutes) < _MINUTE.size and not set("*/") & set(text))


def _weekdays_of_month(expanded: Mapping[Any, set[Any]]) -> frozenset[tuple[int, int]]:
    return frozenset((day, LAST if nth == "l" else nth) for day, nths in expanded.items() for nth in nths)


def _split(expression: str) -> list[str]:
    texts = expression.split()
    _refuse_zone(texts)
    if len(texts) == 1 and texts[0].startswith("@"):
        macro = MACROS.get(texts[0].lower())
        if macro is None:
            raise ValueError(f"has no macro {texts[0]}; use one of {', '.join(MACROS)}")
        return macro.split()
    if len(texts) not in (5, 6):
        names = " ".join(field.name for field in _FIVE)
        hint = ", or six with seconds first; there is no year field" if len(texts) > 6 else ""
        raise ValueError(f"must have five fields ({names}), got {len(texts)}{hint}")
    return texts


def _refuse_zone(texts: list[str]) -> None:
    """Refuse a time zone before or after the fields, as other schedulers allow it."""
    if texts and (match := _ZONE_BEFORE.fullmatch(texts[0])):
        rest = texts[1:]
    elif texts and (match := _ZONE_AFTER.fullmatch(texts[-1])):
        rest = texts[:-1]
    else:
        return
    fields = f", and leave {' '.join(rest)} here" if rest else ""
    raise ValueError(f"cannot hold a time zone; put {match[1]} into the timezone field{fields}")


def _plain(field: _Field, text: str) -> str:
    """Rewrite one field in the part of croniter's dialect that is unambiguous."""
    if text == "?" and field in (_DAY, _WEEKDAY):
        return "*"
    parts = [_plain_part(field, part) for part in text.split(",")]
    if "*" in parts:
        return "*"
    if field is _DAY and len(parts) > 1 and any(part.endswith("W") for part in parts):
        raise ValueError(f"{field.name} takes W alone, got {text}; make two crons")
    # croniter drops the plain weekday in "5,L5" and refuses "1,L5".
    if len({_is_of_month(part) for part in parts}) > 1 and field is _WEEKDAY:
        raise ValueError(f"{field.name} cannot mix plain days with # or L, got {text}; make two crons")
    return ",".join(parts)


def _is_of_month(part: str) -> bool:
    return "#" in part or "l" in part


def _plain_part(field: _Field, part: str) -> str:
    if field is _DAY and part == "L":
        return "l"
    if field is _DAY and part == _LAST_WORKDAY:
        return part
    if field is _DAY and (match := _WORKDAY.fullmatch(part)):
        return f"{_number(field, match[1])}W"
    if field is _WEEKDAY and (match := _WEEKDAY_OF_MONTH.fullmatch(part)):
        after, before, counted, nth = match.groups()
        day = _number(field, after or before or counted) % 7
        return f"{day}#{nth}" if nth else f"l{day}"
    match = _PART.fullmatch(part)
    if match is None:
        raise ValueError(_not_understood(field, part))
    low, high, step = match.groups()
    return _plain_range(field, low, high, _step(field, step))


def _not_understood(field: _Field, part: str) -> str:
    if field is _WEEKDAY and part == "L":
        return "day-of-week L needs a day, such as 5L for the last Friday of the month"
    if field is _WEEKDAY and "#" in part:
        return f"day-of-week takes # as day#1 to day#5, such as MON#1 for the first Monday, got {part}"
    extras = {_DAY: ", L for the last day, 15W or LW for a weekday", _WEEKDAY: ", MON#1 or 5L"}.get(field, "")
    fault = f"cannot be {part}" if part else "has an empty list item"
    return f"{field.name} {fault}; use {field.bounds}, *, ranges (1-5), steps (*/5), lists (1,5){extras}"


def _plain_range(field: _Field, low_text: str | None, high_text: str | None, step: int | None) -> str:
    if low_text is None:
        return "*" if step in (None, 1) else f"*/{step}"
    low = _number(field, low_text)
    if high_text is None:
        high = low if step is None else field.low + field.size - 1
    else:
        high = _number(field, high_text)
    if field is _WEEKDAY and low != high:
        low, high = low % 7, high or 7  # Sunday may begin or end a range
    if high < low:
        top, bottom = (field.names[-1], field.names[0]) if field.names else (field.high, field.low)
        remedy = f"{low_text}-{top},{bottom}-{high_text}"
        raise ValueError(f"{field.name} range {low_text}-{high_text} runs backwards; write {remedy}")
    if low == high:
        return str(low)  # croniter reads "3-3" as the whole field
    return f"{low}-{high}/{step or 1}"


def _number(field: _Field, text: str) -> int:
    number = int(text) if text.isdecimal() else -1
    if text in field.names:
        number = field.names.index(text) + field.low
    if not field.low <= number <= field.high:
        raise ValueError(f"{field.name} must be {field.bounds}, got {text}")
    return number


def _step(field: _Field, text: str | None) -> int | None:
    if text is not None and not 1 <= int(text) <= field.size:
        raise ValueError(f"{field.name} step must be 1-{field.size}, got {text}")
    return None if text is None else int(text)


def _values(field: _Field, expanded: list[Any]) -> tuple[int, ...]:
    if expanded == ["*"]:
        return tuple(range(field.low, field.low + field.size))
    return tuple(sorted(value for value in expanded if isinstance(value, int)))


def _refuse_impossible_date(fields: Fields, weekday: str) -> None:
    if fields.last_day or fields.last_workday or weekday != "*":
        return
    first = fields.workday or min(fields.days)
    if first > max(_MONTH_LENGTHS[month - 1] for month in fields.months):
        months = " or ".join(_MONTH_NAMES[month - 1] for month in sorted(fields.months))
        raise ValueError(f"never fires: there is no {first} {months}")
