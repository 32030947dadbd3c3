"""Moments in Python and milliseconds in Redis are the same, also where one of them has no room."""

from datetime import UTC, datetime

import pytest

from shared import clock


def test_a_moment_survives_the_way_through_redis() -> None:
    moment = datetime(2026, 11, 27, 12, 0, 0, 123_000, tzinfo=UTC)

    assert clock.moment(str(clock.milliseconds(moment))) == moment


@pytest.mark.parametrize(
    ("milliseconds", "year"),
    [("253402318799000", 9999), ("1e300", 9999), ("inf", 9999), (-62135600000000, 1), ("-inf", 1)],
)
def test_what_python_has_no_years_for_is_its_first_or_last(milliseconds: str, year: int) -> None:
    assert clock.moment(milliseconds).year == year
