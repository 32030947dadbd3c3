"""The golden table `approved/instants.txt`, and that no fire is lost, doubled or out of order, whatever the zone."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as some

from shared.schedule import zone_data
from shared.schedule.occurrences import changes, following
from tests.schedule.examples import tried
from tests.schedule.test_occurrences import by_brute_force, fires

TABLE = Path(__file__).parent / "approved" / "instants.txt"
ZONES = {
    *("America/New_York", "Europe/Berlin", "Europe/London", "Australia/Lord_Howe", "America/Havana"),
    *("America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca", "Asia/Tehran", "UTC"),
}
MINUTE = timedelta(minutes=1)


class Row(NamedTuple):
    expression: str
    zone: str
    after: datetime
    expected: list[datetime]
    check: str


def read() -> list[Row]:
    rows = []
    for line in TABLE.read_text().splitlines():
        if line.startswith("#"):
            continue
        expression, zone, after, expected, check = line.split(" | ")
        rows.append(Row(expression, zone, moment(after), [moment(text) for text in expected.split()], check))
    return rows


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_the_table_is_as_wide_as_was_promised() -> None:
    rows, spans = read(), defaultdict(list)
    for row in rows:
        spans[row.zone].append((row.after, row.expected[-1]))

    assert len(rows) >= 300
    assert len({(row.expression, row.zone, row.after) for row in rows}) == len(rows)
    assert spans.keys() == ZONES
    for zone, seen in spans.items():
        first, last = min(after for after, _ in seen), max(until for _, until in seen)
        crossed = list(changes(zone, first, last))
        assert len({change.after > change.before for change in crossed}) == (0 if zone == "UTC" else 2), zone
        for change in crossed[:2]:
            assert sum(after < change.at < until for after, until in seen) >= 15, (zone, change)


def test_every_row_holds() -> None:
    for row in read():
        after = row.after
        for expected in row.expected:
            after = following(row.expression, row.zone, after)
            assert after == expected, row


def test_cronsim_says_the_same_where_it_was_asked_and_another_thing_where_not() -> None:
    for row in read():
        simulated = CronSim(row.expression, row.after.astimezone(zone_data.zone(row.zone)))
        agrees = [next(simulated).astimezone(UTC) for _ in row.expected] == row.expected
        assert agrees == (row.check == "cronsim"), row
        assert agrees or len(row.check) > 40, "a row that is checked by hand says why"


fixed_hours = some.sampled_from(["0", "1", "2", "0-3", "1,2", "2,23", "3", "22-23", "*/24"])
free_hours = some.sampled_from(["*", "*/2", "*/3", "1-5/2", "0-23/1"])
minutes = some.sampled_from(["0", "30", "15,45", "*/10", "*", "59", "7-9", "5/20"])
dates = some.sampled_from(
    ["* * *", "* * SUN", "1-8 * *", "L * SAT", "*/2 * *", "* * SAT,SUN", "* * SUN#1", "* * L5"]
)
turns = some.sampled_from(
    [
        (row.zone, change.at)
        for row in read()[::20]
        for change in changes(row.zone, row.after, row.expected[-1])
    ]
)


@tried(25)
@given(minutes, fixed_hours | free_hours, dates, turns, some.integers(-1440, 1440))
def test_none_is_lost_none_doubled_and_they_strictly_increase(
    minute: str, hour: str, date: str, turn: tuple[str, datetime], away: int
) -> None:
    zone, change = turn
    middle, expression = change + away * MINUTE, f"{minute} {hour} {date}"

    found = list(fires(expression, zone, middle - 2161 * MINUTE, middle + 2160 * MINUTE))

    assert found == by_brute_force(expression, zone, middle)
    assert all(earlier < later for earlier, later in pairwise(found))
