"""What a cron expression may say, and what a refusal says."""

import pytest

from shared.schedule.expressions import LAST, parse
from shared.schedule.occurrences import check

ACCEPTED = [
    "* * * * *",
    "*/5 9-17 * * MON-FRI",
    "0 0 1,15 JAN,JUL *",
    "5/15 0 * * *",
    "0-30/10,45 * * * *",
    "00 09 * * 7",
    "0 0 L * *",
    "0 0 15,L * *",
    "0 0 * * 5L",
    "0 0 * * L5",
    "0 0 * * FRIL",
    "0 0 * * mon#2,WED#5",
    "0 0 ? * ?",
    "0 0 13 * FRI",
    "30 0 0 1 1 *",
    "*/60 * * * *",
    "0 0 29 2 *",
    "0 0 31 2 MON",
    "@hourly",
    "@Daily",
    "@midnight",
    "@weekly",
    "@monthly",
    "@yearly",
    "@annually",
]

FIVE = "must have five fields (minute hour day-of-month month day-of-week), got"
ZONE = "cannot hold a time zone"
MACROS = "@hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually"
FORMS = "*, ranges (1-5), steps (*/5), lists (1,5)"
DAY_FORMS = f"{FORMS}, L for the last day, 15W or LW for a weekday"
WEEKDAY_FORMS = f"0-7 or SUN-SAT, {FORMS}, MON#1 or 5L"

REFUSED = {
    "": f"{FIVE} 0",
    "* * * *": f"{FIVE} 4",
    "0 0 0 1 1 * 2026": f"{FIVE} 7, or six with seconds first; there is no year field; did you mean 0 0 0 1 1 *?",
    "@reboot": f"has no macro @reboot; use one of {MACROS}",
    "CRON_TZ=Europe/Berlin 0 9 * * *": f"{ZONE}; put Europe/Berlin into the timezone field, and leave 0 9 * * * here",
    'TZ="America/New_York" @daily': f"{ZONE}; put America/New_York into the timezone field, and leave @daily here",
    "cron_tz=utc 0 9 * * *": f"{ZONE}; put utc into the timezone field, and leave 0 9 * * * here",
    "TZ=:UTC 0 9 * * *": f"{ZONE}; put UTC into the timezone field, and leave 0 9 * * * here",
    "0 9 * * MON Europe/Berlin": f"{ZONE}; put Europe/Berlin into the timezone field, and leave 0 9 * * MON here",
    "0 9 * * * UTC": f"{ZONE}; put UTC into the timezone field, and leave 0 9 * * * here",
    "CRON_TZ=Asia/Tokyo": f"{ZONE}; put Asia/Tokyo into the timezone field",
    "61 * * * *": "minute must be 0-59, got 61",
    "60 * * * * *": "second must be 0-59, got 60",
    "0 24 * * *": "hour must be 0-23, got 24; did you mean 0 0 * * *?",
    "0 0 0 * *": "day-of-month must be 1-31, got 0",
    "0 0 * 13 *": "month must be 1-12 or JAN-DEC, got 13",
    "0 0 * FOO *": "month must be 1-12 or JAN-DEC, got FOO",
    "0 0 * * 8": "day-of-week must be 0-7 or SUN-SAT, got 8",
    "0 0 * * JAN": "day-of-week must be 0-7 or SUN-SAT, got JAN",
    "0 8-25 * * *": "hour must be 0-23, got 25",
    "*/0 * * * *": "minute step must be 1-60, got 0",
    "*/90 * * * *": "minute step must be 1-60, got 90",
    "0 */25 * * *": "hour step must be 1-24, got 25",
    "0 22-2 * * *": "hour range 22-2 runs backwards; write 22-23,0-2",
    "0 0 * * FRI-MON": "day-of-week range FRI-MON runs backwards; write FRI-SAT,SUN-MON",
    "R * * * *": f"minute cannot be R; use 0-59, {FORMS}",
    "H/5 * * * *": f"minute cannot be H/5; use 0-59, {FORMS}",
    "? * * * *": f"minute cannot be ?; use 0-59, {FORMS}",
    "-5 * * * *": f"minute cannot be -5; use 0-59, {FORMS}",
    "1,,2 * * * *": f"minute has an empty list item; use 0-59, {FORMS}",
    "\u0665 * * * *": f"minute cannot be \u0665; use 0-59, {FORMS}",
    "0 0 15W,20 * *": "day-of-month takes W alone, got 15W,20; make two crons",
    "0 0 32W * *": "day-of-month must be 1-31, got 32",
    "0 0 W * *": f"day-of-month cannot be W; use 1-31, {DAY_FORMS}",
    "0 0 30W 2 *": "never fires: there is no 30 February",
    "0 0 1-L * *": f"day-of-month cannot be 1-L; use 1-31, {DAY_FORMS}",
    "0 0 ?,1 * *": f"day-of-month cannot be ?; use 1-31, {DAY_FORMS}",
    "0 0 * * 1-5L": f"day-of-week cannot be 1-5L; use {WEEKDAY_FORMS}",
    "0 0 * * L": "day-of-week L needs a day, such as 5L for the last Friday of the month",
    "0 0 * * 1#6": "day-of-week takes # as day#1 to day#5, such as MON#1 for the first Monday, got 1#6",
    "0 0 * * 1,5L": "day-of-week cannot mix plain days with # or L, got 1,5L; make two crons",
    "0 0 31 2 *": "never fires: there is no 31 February",
    "0 0 30-31 FEB ?": "never fires: there is no 30 February",
    "0 0 31 4,6 *": "never fires: there is no 31 April or June",
}

# Two ways to write one thing, among them the forms that croniter reads otherwise or not at all.
SAME = [
    ("0 0 3-3 * *", "0 0 3 * *"),
    ("3-3/2 0 * * *", "3 0 * * *"),
    ("0 0 * * SAT-SUN", "0 0 * * 6,0"),
    ("0 0 * * 5-7", "0 0 * * FRI,SAT,SUN"),
    ("0 0 * * 7-2", "0 0 * * SUN-TUE"),
    ("0 0 * * 7-7", "0 0 * * 0"),
    ("0 0 * * 1-7/2", "0 0 * * 0,1,3,5"),
    ("0 0 * * 0-7", "0 0 * * *"),
    ("0 0 * * 7#1", "0 0 * * SUN#1"),
    ("0 0 * * 7L", "0 0 * * L0"),
    ("0 0 */1 * 1-5", "0 0 * * 1-5"),
    ("59/15 * * * *", "59 * * * *"),
    ("5,* * * * *", "* * * * *"),
    ("0 0-23 * * *", "0 * * * *"),
    ("0 0 0 * * ?", "@daily"),
]


@pytest.mark.parametrize("expression", ACCEPTED)
def test_a_valid_expression_comes_back_as_it_is(expression: str) -> None:
    checked = check(expression)

    assert checked == expression


@pytest.mark.parametrize(("expression", "fault"), REFUSED.items())
def test_a_refusal_names_the_fault_and_the_remedy(expression: str, fault: str) -> None:
    with pytest.raises(ValueError, match=r".") as refusal:
        check(expression)

    assert str(refusal.value) == fault


@pytest.mark.parametrize("remedy", ["0 22-23,0-2 * * *", "0 0 * * FRI-SAT,SUN-MON"])
def test_what_a_refusal_tells_to_write_is_accepted(remedy: str) -> None:
    assert check(remedy) == remedy


def test_white_space_becomes_single_spaces() -> None:
    checked = check("  0\t9 *  *\n* ")

    assert checked == "0 9 * * *"


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_spellings_mean_the_same(one: str, other: str) -> None:
    left, right = parse(one), parse(other)

    assert [getattr(left, name) for name in left.__slots__] == [
        getattr(right, name) for name in right.__slots__
    ]


def test_days_of_the_month_by_weekday_are_kept_apart_from_plain_weekdays() -> None:
    fields = parse("0 0 * * MON#2,5L")

    assert fields.weekdays == frozenset()
    assert fields.weekdays_of_month == {(1, 2), (5, LAST)}


@pytest.mark.parametrize(
    ("hour", "is_fixed"),
    [("2", True), ("1,3", True), ("0-5", True), ("*", False), ("*/2", False), ("8-18/2", False)],
)
def test_a_wildcard_or_a_step_in_the_hour_is_not_a_fixed_hour(hour: str, is_fixed: bool) -> None:
    fields = parse(f"0 {hour} * * *")

    assert fields.fixed_hours is is_fixed
    assert fields.fixed_times is is_fixed


@pytest.mark.parametrize(
    ("minute", "is_fixed"),
    [
        ("30", True),
        ("*/60", True),
        ("0,30", True),
        ("5-9", True),
        ("*", False),
        ("*/5", False),
        ("1-59/5", False),
        ("0-59", False),
    ],
)
def test_a_wildcard_or_a_step_in_the_minute_is_no_fixed_time(minute: str, is_fixed: bool) -> None:
    fields = parse(f"{minute} 2 * * *")

    assert fields.fixed_times is is_fixed
    assert fields.fixed_hours


@pytest.mark.parametrize("expression", ["0 0 30 2 */2", "0 0 31 4 */3", "0 0 */16 * FRI#2"])
def test_a_date_that_its_weekday_rules_out_never_fires(expression: str) -> None:
    from shared.schedule import occurrences

    with pytest.raises(ValueError, match="never fires"):
        occurrences.check(expression)
