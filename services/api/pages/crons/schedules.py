"""Schedules as a form has them: every so many minutes, at a time on some days, or as an expression."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from services.api.errors import Refused
from services.api.pages.forms import Form

KINDS = (
    ("minutes", "Minutes"),
    ("hourly", "Hourly"),
    ("daily", "Daily"),
    ("weekly", "Weekly"),
    ("monthly", "Monthly"),
    ("expression", "Expression"),
)
USUAL = {
    "kind": "daily",
    "every": "5",
    "minute": "0",
    "at_daily": "02:30",
    "days": "*",
    "at_weekly": "09:00",
    "weekday": "1",
    "at_monthly": "06:00",
    "day": "1",
    "cron_expression": "",
}
EVERY = ("1", "2", "3", "5", "10", "15", "20", "30")
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_NUMBER = r"(0|[1-9]\d?)"
_FORMS = (
    ("minutes", re.compile(r"(\*) \* \* \* \*"), ("every",)),
    ("minutes", re.compile(rf"\*/({'|'.join(EVERY)}) \* \* \* \*"), ("every",)),
    ("hourly", re.compile(rf"{_NUMBER} \* \* \* \*"), ("minute",)),
    ("daily", re.compile(rf"{_NUMBER} {_NUMBER} \* \* (\*|1-5|0,6)"), ("m", "h", "days")),
    ("weekly", re.compile(rf"{_NUMBER} {_NUMBER} \* \* ([0-6])"), ("m", "h", "weekday")),
    ("monthly", re.compile(rf"{_NUMBER} {_NUMBER} ([1-9]|[12]\d|3[01]|L) \* \*"), ("m", "h", "day")),
)


class Choice(NamedTuple):
    value: str
    words: str


EVERIES = [Choice(one, "every minute" if one == "1" else f"every {one} minutes") for one in EVERY]
DAYS = [Choice("*", "every day"), Choice("1-5", "Monday to Friday"), Choice("0,6", "Saturday and Sunday")]
WEEKDAYS = [
    Choice(str(number), name)
    for number, name in (
        *((1, "Monday"), (2, "Tuesday"), (3, "Wednesday"), (4, "Thursday")),
        *((5, "Friday"), (6, "Saturday"), (0, "Sunday")),
    )
]
MONTHDAYS = [*(Choice(str(one), f"day {one}") for one in range(1, 32)), Choice("L", "the last day")]


def shown(expression: str) -> dict[str, str]:
    """The fields of the form that mean it: of the simplest kind that can."""
    fields = {**USUAL, "cron_expression": expression}
    for kind, pattern, names in _FORMS:
        if not (found := pattern.fullmatch(expression)):
            continue
        given = dict(zip(names, found.groups(), strict=True))
        if "h" in given:
            hour, minute = int(given.pop("h")), int(given.pop("m"))
            if hour > 23 or minute > 59:
                break
            given[f"at_{kind}"] = f"{hour:02}:{minute:02}"
        if given.get("every") == "*":
            given["every"] = "1"
        return {**fields, **given, "kind": kind}
    return {**fields, "kind": "expression"}


def expression_of(form: Form) -> str:
    """What was chosen, as an expression; raises Refused."""
    match kind := form.get("kind"):
        case "minutes":
            every = form.get("every")
            if every not in EVERY:
                raise Refused({"every": ["The every field must be one of the list."]})
            return "* * * * *" if every == "1" else f"*/{every} * * * *"
        case "hourly":
            minute = form.get("minute").strip()
            if not re.fullmatch(r"[0-5]?\d", minute, re.ASCII):
                raise Refused({"minute": ["The minute field must be a number from 0 to 59."]})
            return f"{int(minute)} * * * *"
        case "daily":
            return f"{_time(form, kind)} * * {_one_of(form, 'days', DAYS)}"
        case "weekly":
            return f"{_time(form, kind)} * * {_one_of(form, 'weekday', WEEKDAYS)}"
        case "monthly":
            return f"{_time(form, kind)} {_one_of(form, 'day', MONTHDAYS)} * *"
    return form.get("cron_expression").strip()


def _time(form: Form, kind: str) -> str:
    found = _TIME.fullmatch(form.get(f"at_{kind}").strip())
    if found is None:
        raise Refused({f"at_{kind}": [f"The at_{kind} field must be a time as 02:30."]})
    return f"{int(found[2])} {int(found[1])}"


def _one_of(form: Form, name: str, choices: list[Choice]) -> str:
    if form.get(name) not in {one.value for one in choices}:
        raise Refused({name: [f"The {name} field must be one of the list."]})
    return form.get(name)


def renamed(form: Form, errors: Mapping[str, str]) -> dict[str, str]:
    """A sentence about the expression stands above the form if its field is not to be seen."""
    if form.get("kind") == "expression":
        return dict(errors)
    return {"" if name == "cron_expression" else name: said for name, said in errors.items()}
