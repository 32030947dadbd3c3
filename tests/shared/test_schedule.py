"""Expressions and instants: hand-checked tables, and two other implementations where they agree with the rule."""

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from croniter import croniter
from cronsim import CronSim

from shared import schedule


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def walk(expression: str, timezone: str, start: datetime, end: datetime) -> list[datetime]:
    seen, now = [], start
    while (now := schedule.following(expression, timezone, now)) <= end:
        seen.append(now)
    return seen


@pytest.mark.parametrize(
    ("expression", "timezone", "after", "instant"),
    [
        ("*/5 * * * *", "UTC", "2026-01-15 10:00", "2026-01-15 10:05"),
        ("*/5 * * * *", "UTC", "2026-01-15 10:04:59.999", "2026-01-15 10:05"),
        ("0 9 * * MON-FRI", "Europe/Berlin", "2026-01-16 09:00", "2026-01-19 08:00"),
        ("30 6 1,15 * *", "UTC", "2026-01-15 06:30", "2026-02-01 06:30"),
        ("0 0 L * *", "UTC", "2028-02-01 00:00", "2028-02-29 00:00"),
        ("0 0 29 2 *", "UTC", "2026-01-01 00:00", "2028-02-29 00:00"),
        ("0 12 * * MON#1", "UTC", "2026-01-15 00:00", "2026-02-02 12:00"),
        ("0 12 * * 5L", "UTC", "2026-01-15 00:00", "2026-01-30 12:00"),
        ("0 0 13 * FRI", "UTC", "2026-01-10 00:00", "2026-01-13 00:00"),
        ("0 0 13 * FRI", "UTC", "2026-01-13 00:00", "2026-01-16 00:00"),
        ("0 0 */10 * MON", "UTC", "2026-01-15 00:00", "2026-05-11 00:00"),
        ("*/10 * * * * *", "UTC", "2026-01-15 10:00:05", "2026-01-15 10:00:10"),
        ("@daily", "America/New_York", "2026-01-15 10:00", "2026-01-16 05:00"),
        ("0 0 * * 7", "UTC", "2026-01-15 00:00", "2026-01-18 00:00"),
        ("59 23 31 12 *", "UTC", "2026-12-31 23:59", "2027-12-31 23:59"),
    ],
)
def test_the_next_fire_is_the_first_instant_after(
    expression: str, timezone: str, after: str, instant: str
) -> None:
    assert schedule.following(expression, timezone, at(after)) == at(instant)


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("* * * *", "five fields"),
        ("* * * * * * *", "no year field"),
        ("61 * * * *", "minute must be 0-59"),
        ("* 24 * * *", "hour must be 0-23"),
        ("* * 0 * *", "day-of-month"),
        ("* * * 13 *", "month"),
        ("* * * * 8", "day-of-week"),
        ("R * * * *", "minute cannot be R"),
        ("H * * * *", "minute cannot be H"),
        ("*/0 * * * *", "minute"),
        ("5-1 * * * *", "minute"),
        ("0 0 31 2 *", "never fires"),
        ("0 0 30 FEB *", "never fires"),
        ("@sometimes", "no macro"),
        ("", "five fields"),
        ("* * * * MON#6", "day-of-week"),
        ("a b c d e", "minute"),
    ],
)
def test_what_is_wrong_is_named(expression: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        schedule.check(expression)


def test_an_expression_is_kept_with_single_spaces() -> None:
    assert schedule.check("  */5   *  * * * ") == "*/5 * * * *"


@pytest.mark.parametrize(
    ("expression", "timezone", "start", "instants"),
    [
        # The hour that is skipped: once, at the first instant after the gap.
        ("30 2 * * *", "America/New_York", "2026-03-08 05:00", ["2026-03-08 07:00", "2026-03-09 06:30"]),
        ("30 2 * * *", "Europe/Berlin", "2026-03-29 00:00", ["2026-03-29 01:00", "2026-03-30 00:30"]),
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03 13:00", ["2026-10-03 15:30", "2026-10-04 15:15"]),
        ("0 0 * * *", "America/Havana", "2026-03-08 00:00", ["2026-03-08 05:00", "2026-03-09 04:00"]),
        # The hour that comes twice: once, at its first occurrence.
        ("30 1 * * *", "America/New_York", "2026-11-01 04:00", ["2026-11-01 05:30", "2026-11-02 06:30"]),
        ("30 2 * * *", "Europe/Berlin", "2026-10-24 23:00", ["2026-10-25 00:30", "2026-10-26 01:30"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04 13:00", ["2026-04-04 14:45", "2026-04-05 15:15"]),
        ("30 0 * * *", "America/Havana", "2026-11-01 00:00", ["2026-11-01 04:30", "2026-11-02 05:30"]),
    ],
)
def test_a_fixed_time_fires_once_across_a_clock_change(
    expression: str, timezone: str, start: str, instants: list[str]
) -> None:
    wanted = [at(instant) for instant in instants]

    assert walk(expression, timezone, at(start), wanted[-1]) == wanted


@pytest.mark.parametrize(
    "timezone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Havana"]
)
@pytest.mark.parametrize(("expression", "minutes"), [("*/30 * * * *", 30), ("*/10 */1 * * *", 10)])
def test_steps_follow_elapsed_time_across_every_clock_change_of_a_year(
    timezone: str, expression: str, minutes: int
) -> None:
    instants = walk(expression, timezone, at("2026-01-01 00:00"), at("2027-01-01 00:00"))

    assert {later - earlier for earlier, later in pairwise(instants)} == {timedelta(minutes=minutes)}


@pytest.mark.parametrize(
    "timezone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Havana"]
)
@pytest.mark.parametrize("expression", ["30 2 * * *", "0 0 * * *", "15 1 * * *", "0 3 * * *"])
def test_a_daily_fire_comes_once_a_day_all_year(timezone: str, expression: str) -> None:
    instants = walk(expression, timezone, at("2026-01-01 12:00"), at("2027-01-01 12:00"))

    assert len(instants) == 365
    assert all(earlier < later for earlier, later in pairwise(instants))


def _an_expression(random_: random.Random) -> str:
    def field(low: int, high: int) -> str:
        first, second = sorted(random_.sample(range(low, high + 1), 2))
        step = random_.randint(2, 7)
        return random_.choice(["*", "*", str(first), f"{first}-{second}", f"*/{step}", f"{first},{second}"])

    return " ".join([field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 6)])


@pytest.mark.parametrize("seed", range(60))
def test_two_other_implementations_agree_in_utc(seed: int) -> None:
    random_ = random.Random(seed)
    expression = _an_expression(random_)
    star_in_a_day_field = "*/" in expression.split()[2] + expression.split()[4]
    start = at("2026-01-01 00:00") + timedelta(minutes=random_.randrange(525_600))
    ours, theirs, others = start, CronSim(expression, start), croniter(expression, start)

    for _ in range(20):
        ours = schedule.following(expression, "UTC", ours)
        assert ours == next(theirs), expression
        if not star_in_a_day_field:  # croniter takes */4 for a restriction, crontab(5) does not
            assert ours == others.get_next(datetime), expression


@pytest.mark.parametrize(
    ("expression", "due", "now", "latest", "missed"),
    [
        ("*/5 * * * *", "2026-01-15 10:00", "2026-01-15 10:00", "2026-01-15 10:00", 0),
        ("*/5 * * * *", "2026-01-15 10:00", "2026-01-15 10:04:59", "2026-01-15 10:00", 0),
        ("*/5 * * * *", "2026-01-15 10:00", "2026-01-15 13:01", "2026-01-15 13:00", 36),
        ("0 9 * * *", "2026-01-15 09:00", "2026-01-20 08:00", "2026-01-19 09:00", 4),
    ],
)
def test_what_was_missed_is_counted(expression: str, due: str, now: str, latest: str, missed: int) -> None:
    caught = schedule.catch_up(expression, "UTC", at(due), at(now))

    assert (caught.latest, caught.missed) == (at(latest), missed)
    assert caught.following == schedule.following(expression, "UTC", at(now))


def test_a_month_of_every_second_is_not_walked() -> None:
    now = at("2026-02-15 10:00")

    caught = schedule.catch_up("* * * * * *", "UTC", now - timedelta(days=30), now)

    assert (caught.latest, caught.following) == (now, now + timedelta(seconds=1))
    assert caught.missed == schedule.MOST_COUNTED
