"""When crons fire: calendar, changes of the clock, and catching up after an outage."""

import random
import time
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product

import pytest
from croniter import croniter
from cronsim import CronSim

from shared.schedule import zone_data
from shared.schedule.occurrences import MOST_COUNTED, catch_up, following

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NEW_YORK, BERLIN, LORD_HOWE, HAVANA = (
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Havana",
)

# Instants at which the clock goes forward and back; by half an hour on Lord Howe, at midnight in Havana.
CHANGES = [
    (NEW_YORK, "2026-03-08T07:00"),
    (NEW_YORK, "2026-11-01T06:00"),
    (BERLIN, "2026-03-29T01:00"),
    (BERLIN, "2026-10-25T01:00"),
    (LORD_HOWE, "2026-10-03T15:30"),
    (LORD_HOWE, "2026-04-04T15:00"),
    (HAVANA, "2026-03-08T05:00"),
    (HAVANA, "2025-11-02T05:00"),
]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fires(expression: str, timezone: str, after: datetime, until: datetime) -> Iterator[datetime]:
    while (after := following(expression, timezone, after)) <= until:
        yield after


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("*/5 * * * *", "2026-01-01T00:00", "2026-01-01T00:05"),
        ("*/5 * * * *", "2026-01-01T00:04:59.999999", "2026-01-01T00:05"),
        ("0 9 * * MON-FRI", "2026-01-02T09:00", "2026-01-05T09:00"),
        ("59 23 31 12 *", "2026-12-31T23:59", "2027-12-31T23:59"),
        ("0 0 L * *", "2028-02-01T00:00", "2028-02-29T00:00"),
        ("0 0 * * 5L", "2026-01-01T00:00", "2026-01-30T00:00"),
        ("0 0 * * MON#1", "2026-01-06T00:00", "2026-02-02T00:00"),
        ("0 0 13 * FRI", "2026-02-01T00:00", "2026-02-06T00:00"),
        ("0 0 13 * FRI", "2026-01-09T00:00", "2026-01-13T00:00"),
        ("0 0 13 * FRI#1", "2026-01-02T00:00", "2026-01-13T00:00"),
        ("0 0 29 2 *", "2096-03-01T00:00", "2104-02-29T00:00"),
        ("0 0 * 2 FRI#5", "2064-03-01T00:00", "2092-02-29T00:00"),
        ("*/20 30 12 * * *", "2026-01-01T12:30:20", "2026-01-01T12:30:40"),
        ("*/20 30 12 * * *", "2026-01-01T12:30:40", "2026-01-02T12:30"),
        ("@weekly", "2026-01-01T00:00", "2026-01-04T00:00"),
        ("0 9 15W * *", "2026-08-01T00:00", "2026-08-14T09:00"),  # the 15th is a Saturday
        ("0 9 1W * *", "2026-08-01T00:00", "2026-08-03T09:00"),
        ("0 9 31W * *", "2026-05-01T00:00", "2026-05-29T09:00"),  # a Sunday, after which the month ends
        ("0 9 31W * *", "2026-05-29T09:00", "2026-07-31T09:00"),  # June has no such day
        ("0 9 29W 2 *", "2026-01-01T00:00", "2028-02-29T09:00"),
        ("0 9 LW * *", "2026-02-01T00:00", "2026-02-27T09:00"),
        ("0 9 LW * MON", "2026-02-01T00:00", "2026-02-02T09:00"),
    ],
)
def test_the_first_instant_strictly_after(expression: str, after: str, expected: str) -> None:
    found = following(expression, "UTC", utc(after))

    assert found == utc(expected)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("expression", "timezone", "after", "expected"),
    [
        ("30 2 * * *", NEW_YORK, "2026-03-08T05:00", "2026-03-08T07:00"),
        ("30 2 * * *", NEW_YORK, "2026-03-08T06:59:59", "2026-03-08T07:00"),
        ("30 2 * * *", NEW_YORK, "2026-03-08T07:00", "2026-03-09T06:30"),
        ("0,30 2,3 * * *", NEW_YORK, "2026-03-08T07:00", "2026-03-08T07:30"),
        ("30 2 * * *", BERLIN, "2026-03-29T00:00", "2026-03-29T01:00"),
        ("15 2 * * *", LORD_HOWE, "2026-10-03T15:00", "2026-10-03T15:30"),
        ("0 0 * * *", HAVANA, "2026-03-07T05:00", "2026-03-08T05:00"),
        ("59 23 * * SAT", HAVANA, "2026-03-08T04:00", "2026-03-08T04:59"),
        ("0 0 8 3 *", HAVANA, "2026-03-01T05:00", "2026-03-08T05:00"),
        ("0 9 30 12 *", "Pacific/Apia", "2011-01-01T00:00", "2011-12-30T10:00"),  # a day that was left out
    ],
)
def test_a_fixed_time_in_the_gap_fires_once_as_it_ends(
    expression: str, timezone: str, after: str, expected: str
) -> None:
    found = following(expression, timezone, utc(after))

    assert found == utc(expected)


@pytest.mark.parametrize(
    ("expression", "timezone", "first", "then"),
    [
        ("30 1 * * *", NEW_YORK, "2026-11-01T05:30", "2026-11-02T06:30"),
        ("0-30 1 * * *", NEW_YORK, "2026-11-01T05:30", "2026-11-02T06:00"),
        ("0 1,2 * * *", NEW_YORK, "2026-11-01T05:00", "2026-11-01T07:00"),
        ("30 2 * * *", BERLIN, "2026-10-25T00:30", "2026-10-26T01:30"),
        ("45 1 * * *", LORD_HOWE, "2026-04-04T14:45", "2026-04-05T15:15"),
        ("0 0 * * *", HAVANA, "2025-11-02T04:00", "2025-11-03T05:00"),
    ],
)
def test_a_fixed_time_that_comes_twice_fires_at_its_first(
    expression: str, timezone: str, first: str, then: str
) -> None:
    just_before = utc(first) - timedelta(seconds=1)

    found = list(fires(expression, timezone, just_before, utc(then)))

    assert found == [utc(first), utc(then)]


@pytest.mark.parametrize(
    ("expression", "timezone", "first_of_second_round", "last"),
    [
        ("* 1 * * *", NEW_YORK, "2026-11-01T06:00", "2026-11-01T06:59"),
        ("*/5 1 * * *", NEW_YORK, "2026-11-01T06:00", "2026-11-01T06:55"),
        ("1-59/5 1 * * *", NEW_YORK, "2026-11-01T06:01", "2026-11-01T06:56"),
        ("0-59 1 * * *", NEW_YORK, "2026-11-01T06:00", "2026-11-01T06:59"),
        ("*/20 1-3 * * *", BERLIN, "2026-10-25T00:00", "2026-10-25T02:40"),
        ("*/10 1 * * *", LORD_HOWE, "2026-04-04T15:00", "2026-04-04T15:20"),
        ("*/20 0 * * *", HAVANA, "2025-11-02T05:00", "2025-11-02T05:40"),
    ],
)
def test_star_minutes_go_on_in_the_second_round_of_an_hour(
    expression: str, timezone: str, first_of_second_round: str, last: str
) -> None:
    found = list(fires(expression, timezone, utc(first_of_second_round) - MINUTE, utc(last) + 12 * HOUR))

    assert (found[0], found[-1]) == (utc(first_of_second_round), utc(last))


@pytest.mark.parametrize("expression", ["*/20 2 * * *", "* 2 * * *"])
def test_star_minutes_of_a_skipped_hour_fire_once_as_it_ends(expression: str) -> None:
    found = list(fires(expression, NEW_YORK, utc("2026-03-08T06:00"), utc("2026-03-08T12:00")))

    assert found == [utc("2026-03-08T07:00")]


def test_a_search_that_starts_in_the_repeated_hour_goes_on_after_it() -> None:
    second_round = utc("2026-11-01T06:15")

    found = following("30 1,2 * * *", NEW_YORK, second_round)

    assert found == utc("2026-11-01T07:30")


def test_every_hour_follows_elapsed_time_through_both_changes() -> None:
    for timezone, moment in CHANGES:
        found = list(
            fires("0 * * * *", timezone, utc(moment) - timedelta(days=2), utc(moment) + timedelta(days=2))
        )

        gaps = {later - earlier for earlier, later in pairwise(found)}
        assert gaps <= {timedelta(minutes=30), timedelta(minutes=60), timedelta(minutes=90)}
        assert timezone == LORD_HOWE or gaps == {timedelta(hours=1)}


def walls(expression: str, start: datetime, end: datetime) -> set[datetime]:
    """The wall-clock times of an expression by croniter, which is sound while no zone is in play."""
    found = set()
    clock = croniter(expression, start - MINUTE)
    while (wall := clock.get_next(datetime)) <= end:
        found.add(wall)
    return found


def by_brute_force(expression: str, timezone: str, middle: datetime) -> list[datetime]:
    """The fires within a day and a half of `middle`, looking at the wall clock minute by minute."""
    minute_text, hour_text, *_ = expression.split()
    is_free, is_starred = (bool(set("*/") & set(text)) for text in (hour_text, minute_text))
    minutes = [middle + step * MINUTE for step in range(-2160, 2161)]
    clock = [minute.astimezone(zone_data.zone(timezone)).replace(tzinfo=None, fold=0) for minute in minutes]
    wanted = walls(expression, clock[0], clock[-1])
    if is_free:
        return [minute for minute, wall in zip(minutes, clock, strict=True) if wall in wanted]
    found, highest = [], clock[0] - MINUTE
    for minute, wall in zip(minutes, clock, strict=True):
        is_new = any(highest < each <= wall for each in wanted)  # it is shown or has just been jumped over
        if is_new or (is_starred and wall in wanted):
            found.append(minute)
        highest = max(highest, wall)
    return found


@pytest.mark.parametrize(("timezone", "moment"), CHANGES)
def test_across_a_change_every_fire_is_there_once(timezone: str, moment: str) -> None:
    chance = random.Random(f"{timezone} {moment}")
    middle = utc(moment)
    start, end = middle - 2161 * MINUTE, middle + 2160 * MINUTE

    for _ in range(12):
        hour = chance.choice(["0", "1", "2", "0-3", "1,2", "2,23", "*", "*/2", "*/3", "1-5/2"])
        minute = chance.choice(["0", "30", "15,45", "*/10", "*"])
        expression = f"{minute} {hour} {chance.choice(['* * *', '* * SUN', '1-8 * *', 'L * SAT'])}"

        found = list(fires(expression, timezone, start, end))

        assert found == by_brute_force(expression, timezone, middle), expression
        assert all(earlier < later for earlier, later in pairwise(found))


@pytest.mark.parametrize("expression", ["*/7 30 1,2 * * *", "*/7 30 * * * *", "0 * 0-2 * * *"])
@pytest.mark.parametrize(("timezone", "moment"), CHANGES)
def test_a_search_from_any_second_gives_the_next_of_the_walk(
    expression: str, timezone: str, moment: str
) -> None:
    chance = random.Random(moment)
    start, end = utc(moment) - timedelta(hours=3), utc(moment) + timedelta(hours=3)
    walk = list(fires(expression, timezone, start, end))

    for _ in range(50):
        after = start + timedelta(seconds=chance.randrange(6 * 3600))

        expected = next((fire for fire in walk if fire > after), None)
        assert expected in (None, following(expression, timezone, after))


def some_expression(chance: random.Random) -> str:
    """An expression that croniter and cronsim read alike."""
    minute = chance.choice(["0", "*", "*/7", "5,35", "10-50/20", "59", "20/15"])
    hour = chance.choice(["0", "*", "*/6", "8-18/2", "23", "0,12"])
    month = chance.choice(["*", "*", "*", "2", "JAN-MAR", "*/3", "APR,DEC"])
    both_sides = [
        chance.choice(["1", "31", "L", "10-20", "5,25"]),
        chance.choice(["SUN", "1-5", "MON,THU", "5-6"]),
    ]
    week_only = ["*", chance.choice(["MON#1", "3#5", "2#2,4#4", "0", "7"])]
    month_only = [chance.choice(["*", "*/10", "29-31", "15,L", "28"]), "*"]
    day, weekday = chance.choice([both_sides, week_only, month_only])
    second = chance.choice(["", "", "0 ", "*/13 ", "30 "])
    return f"{second}{minute} {hour} {day} {month} {weekday}"


def test_fires_in_utc_are_those_of_croniter_and_of_cronsim() -> None:
    chance = random.Random(20260101)

    for _ in range(150):
        expression = some_expression(chance)
        after = utc("2023-12-25T00:00") + timedelta(seconds=chance.randrange(10**8))
        by_croniter = croniter(expression, after, second_at_beginning=True)
        by_cronsim = CronSim(expression, after)
        for _ in range(12):
            after = following(expression, "UTC", after)

            assert after == by_croniter.get_next(datetime), expression
            assert after == next(by_cronsim), expression


@pytest.mark.parametrize(
    ("expression", "due", "now", "latest", "missed", "then"),
    [
        ("*/5 * * * *", "2026-01-01T00:05", "2026-01-01T00:05", "2026-01-01T00:05", 0, "2026-01-01T00:10"),
        (
            "*/5 * * * *",
            "2026-01-01T00:05",
            "2026-01-01T00:09:59.9",
            "2026-01-01T00:05",
            0,
            "2026-01-01T00:10",
        ),
        ("*/5 * * * *", "2026-01-01T00:05", "2026-01-01T00:10", "2026-01-01T00:10", 1, "2026-01-01T00:15"),
        ("*/5 * * * *", "2026-01-01T00:05", "2026-01-01T01:06", "2026-01-01T01:05", 12, "2026-01-01T01:10"),
        (
            "* * * * * *",
            "2026-01-01T00:00",
            "2026-01-01T00:00:02.5",
            "2026-01-01T00:00:02",
            2,
            "2026-01-01T00:00:03",
        ),
        ("0 0 29 2 *", "2016-02-29T00:00", "2026-01-01T00:00", "2024-02-29T00:00", 2, "2028-02-29T00:00"),
    ],
)
def test_catching_up_tells_the_latest_the_missed_and_the_following(
    expression: str, due: str, now: str, latest: str, missed: int, then: str
) -> None:
    caught = catch_up(expression, "UTC", utc(due), utc(now))

    assert caught.latest == utc(latest)
    assert caught.missed == missed
    assert caught.following == utc(then)


@pytest.mark.parametrize(
    ("expression", "moment", "latest", "missed", "then"),
    [
        ("30 1 * * *", "2026-11-01T06:45", "2026-11-01T05:30", 1, "2026-11-02T06:30"),
        ("30 * * * *", "2026-11-01T06:45", "2026-11-01T06:30", 25, "2026-11-01T07:30"),
        ("30 2 * * *", "2026-03-08T07:15", "2026-03-08T07:00", 1, "2026-03-09T06:30"),
    ],
)
def test_catching_up_knows_the_changes_of_the_clock(
    expression: str, moment: str, latest: str, missed: int, then: str
) -> None:
    now = utc(moment)
    due = following(expression, NEW_YORK, utc(latest) - timedelta(hours=25, minutes=1))

    caught = catch_up(expression, NEW_YORK, due, now)

    assert (caught.latest, caught.missed, caught.following) == (utc(latest), missed, utc(then))


@pytest.mark.parametrize("timezone", ["UTC", NEW_YORK])
@pytest.mark.parametrize("expression", ["* * * * * *", "* * 9 * * *", "* * * * *", "*/5 9 * * MON-FRI"])
def test_catching_up_with_ten_years_counts_up_to_a_limit(expression: str, timezone: str) -> None:
    due, now = following(expression, timezone, utc("2016-01-01T00:00")), utc("2026-11-01T06:30:30")
    began = time.process_time()

    caught = catch_up(expression, timezone, due, now)

    assert time.process_time() - began < 0.5  # a tenth of this on a quiet machine; walking takes an hour
    assert caught.missed == MOST_COUNTED
    assert following(expression, timezone, caught.latest - timedelta(seconds=1)) == caught.latest <= now
    assert following(expression, timezone, caught.latest) == caught.following > now


def test_a_starred_day_field_restricts_nothing_by_itself() -> None:
    after = datetime(2026, 1, 15, tzinfo=UTC)

    # crontab(5): either field matches only if neither has a star. croniter takes */10 for a restriction.
    assert following("0 0 */10 * MON", "UTC", after) == datetime(2026, 5, 11, tzinfo=UTC)


@pytest.mark.parametrize("meant", [*range(1, 32), "L"])
def test_the_weekday_nearest_a_day_is_the_nearest_of_its_month(meant: int | str) -> None:
    start, end = datetime(2024, 1, 1, tzinfo=UTC), datetime(2032, 1, 1, tzinfo=UTC)
    expected = []
    for year, month in product(range(2024, 2032), range(1, 13)):
        length = monthrange(year, month)[1]
        day = length if meant == "L" else int(meant)
        if day <= length:
            weekdays = [
                one for one in range(1, length + 1) if datetime(year, month, one, tzinfo=UTC).weekday() < 5
            ]
            nearest = min(weekdays, key=lambda one: (abs(one - day), one))
            expected.append(datetime(year, month, nearest, 9, tzinfo=UTC))

    assert list(fires(f"0 9 {meant}W * *", "UTC", start, end)) == expected
