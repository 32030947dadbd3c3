"""What expressions are told to mean, read by people once and kept in `approved/explain.txt`.

`RECURO_APPROVE=1 pytest tests/actions/test_explain.py` writes the file anew: read what changed.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.actions.explain import explain
from shared.schedule import zone_data
from shared.schedule.occurrences import check
from shared.schemas.explain import ExplainQuery, Explanation

APPROVED = Path(__file__).parent / "approved" / "explain.txt"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)

COMMON = (
    *("* * * * *", "*/5 * * * *", "5/15 * * * *", "*/7 * * * *", "15,45 * * * *", "0 * * * *", "@hourly"),
    *(
        "0 */6 * * *",
        "0 0,12 * * *",
        "0 9-17 * * 1-5",
        "0,30 9-17 * * MON-FRI",
        "0 9-17/2 * * *",
        "* 2 * * *",
    ),
    *(
        "30 2 * * *",
        "@daily",
        "0 9 * * MON-FRI",
        "5 4 * * SUN",
        "0 22 * * 1,3,5",
        "0 3 * * 1-5,SUN",
        "0 0 ? * MON",
    ),
    *("0 0 1 * *", "0 0 1,15 * *", "0 0 L * *", "0 0 31 * *", "0 0 */2 * *", "0 0 * * 5L", "0 0 * * LFRI"),
    *("0 0 * * MON#1", "0 0 13 * FRI", "0 8 1-7 * MON", "0 0 1 */3 *", "30 4 1 1,7 *", "0 12 * 6-8 *"),
    *("@yearly", "0 0 29 2 *", "*/10 * * * * *", "0 30 9 * * *"),
)


def explained(expression: str, **asked: object) -> Explanation:
    return explain(ExplainQuery.model_validate({"cron_expression": expression, **asked}), NOON)


STARRED = "It fires every second of the minutes it names: with six fields the first is the second"


@pytest.mark.parametrize(
    ("expression", "is_told"),
    [
        ("* */15 * * * *", True),
        ("* 0 9 * * *", True),
        ("0 */15 * * * *", False),
        ("*/15 * * * *", False),
        ("* * * * * *", False),
        ("*/10 */15 * * * *", False),
    ],
)
def test_every_second_of_some_minutes_is_hardly_meant(expression: str, is_told: bool) -> None:
    warnings = explained(expression, overlap_policy="skip").warnings

    assert [warning.startswith(STARRED) for warning in warnings] == [True] * is_told


def test_a_change_of_the_clock_is_told_to_the_second() -> None:
    asked = ExplainQuery.model_validate({"cron_expression": "0 9 * * *", "timezone": "Europe/Berlin"})

    first, _ = explain(asked, NOON.replace(microsecond=700_000)).clock_changes

    assert first.at == datetime(2027, 3, 28, 1, tzinfo=UTC)


def test_explain_names_the_release_of_the_time_zones() -> None:
    assert explained("0 9 * * *", timezone="Europe/Berlin").zone_data == str(zone_data.release())


def test_common_expressions_read_as_approved() -> None:
    told = []
    for expression in COMMON:
        seen = explained(expression, timezone="Europe/Berlin", count=2)
        told += [f"{expression}", f"    {seen.description}", f"    {seen.fires_per_month:g} a month"]
        told += [f"    {run.local}" for run in seen.next_runs]
        told += [f"    ! {warning}" for warning in seen.warnings]
    text = "\n".join([*told, ""])

    if os.environ.get("RECURO_APPROVE"):
        APPROVED.write_text(text)
    assert len(COMMON) >= 30
    assert text == APPROVED.read_text()


@pytest.mark.parametrize(
    ("expression", "forward", "back"),
    [
        (
            "30 2 * * *",
            "the fire of 02:30 comes once, as it ends at 03:00",
            "the fire of 02:30 comes once, the first time",
        ),
        ("0 9 * * *", "no fire falls into it", "no fire falls into it"),
        (
            "0,30 2 * * *",
            "the 2 fires from 02:00 to 02:30 come as one, as it ends at 03:00",
            "the 2 fires from 02:00 to 02:30 come once, the first time",
        ),
        (
            "*/5 2 * * *",
            "the 12 fires from 02:00 to 02:55 come as one, as it ends at 03:00",
            "the 12 fires from 02:00 to 02:55 come in both",
        ),
        (
            "* 1-3 * * *",
            "the 60 fires from 02:00 to 02:59 come as one, as it ends at 03:00",
            "the 60 fires from 02:00 to 02:59 come in both",
        ),
        ("30 */2 * * *", "the fire of 02:30 is left out", "the fire of 02:30 comes in both"),
        (
            "* * 2 * * *",
            "the 1000 or more fires from 02:00 on come as one, as it ends at 03:00",
            "the 1000 or more fires from 02:00 on come in both",
        ),
        ("*/15 * * * *", "the fires go on as time passes", "the fires go on as time passes, in both"),
    ],
)
def test_the_next_two_changes_of_the_clock_are_told(expression: str, forward: str, back: str) -> None:
    first, second = explained(expression, timezone="Europe/Berlin").clock_changes

    assert (first.utc_offset_before, first.utc_offset_after) == ("+01:00", "+02:00")
    assert first.effect == f"The clock skips the time from 02:00 to 03:00; {forward}."
    assert second.effect == f"The time from 02:00 to 03:00 comes twice; {back}."
    assert first.at == datetime(2027, 3, 28, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("Etc/GMT-2", "Etc/GMT-2 (UTC+02:00 all year)"),
        ("EST", "EST (UTC-05:00 all year)"),
        ("MST", "MST (UTC-07:00 all year)"),
        ("CET", "CET (UTC+01:00, and UTC+02:00 in summer)"),
        ("EST5EDT", "EST5EDT (UTC-05:00, and UTC-04:00 in summer)"),
        ("NZ", "NZ (UTC+12:00, and UTC+13:00 in summer)"),
    ],
)
def test_a_zone_that_names_no_city_is_told_with_its_offsets(zone: str, told: str) -> None:
    seen = explained("0 9 * * *", timezone=zone)

    assert seen.description == f"At 09:00, by the clock of {told}"
    assert seen.warnings == []


def test_a_zone_that_changes_nothing_has_no_changes() -> None:
    assert explained("0 9 * * *").clock_changes == []
    assert explained("0 9 * * *", timezone="America/Sao_Paulo").clock_changes == []


def test_a_time_policy_is_told_and_kept() -> None:
    policy = {
        "starts_at": "2026-12-01T00:00:00Z",
        "ends_at": "2026-12-03T00:00:00Z",
        "max_runs": 2,
        "spread_seconds": 9,
    }

    seen = explained("0 9 * * *", **policy)

    assert [run.local for run in seen.next_runs] == ["2026-12-01T09:00:00+00:00", "2026-12-02T09:00:00+00:00"]
    assert seen.description == (
        "At 09:00, up to 9 s later by an offset that the cron keeps, from 2026-12-01T00:00:00+00:00, "
        "until 2026-12-03T00:00:00+00:00, 2 times in all"
    )


def test_what_has_no_fire_left_says_so() -> None:
    seen = explained("0 9 * * *", ends_at="2026-11-25T13:00:00Z")

    assert (seen.next_runs, seen.warnings) == (
        [],
        ["It has no fire left: ends_at comes before the next one."],
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "It fires again after 10 s, and a request may take 30 s"),
        ({"spread_seconds": 11, "overlap_policy": "skip"}, "spread_seconds is longer than the 10 s"),
    ],
)
def test_what_may_run_side_by_side_is_warned_of(asked: dict[str, object], said: str) -> None:
    warnings = explained("*/10 * * * * *", **asked).warnings

    assert [warning[: len(said)] for warning in warnings] == [said]


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        ("0 9 * * MOM", "0 9 * * MON"),
        ("0 9 * * MONDAY-FRIDAY", "0 9 * * MON-FRI"),
        ("0 0 1 Sept *", "0 0 1 SEP *"),
        ("@dayly", "@daily"),
        ("hourly", "@hourly"),
        ("every 5 minutes", "*/5 * * * *"),
        ("every day", "@daily"),
        ("60 * * * *", "0 * * * *"),
        ("0 24 * * *", "0 0 * * *"),
        ("9 30 * * *", "30 9 * * *"),
        ("0 0 9 * * MON 2026", "0 0 9 * * MON"),
    ],
)
def test_a_wrong_expression_is_told_what_was_meant(expression: str, meant: str) -> None:
    with pytest.raises(ValueError, match="did you mean") as refused:
        check(expression)

    assert str(refused.value).endswith(f"; did you mean {meant}?")


@pytest.mark.parametrize(
    ("zone", "meant"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("America/New York", "America/New_York"),
        ("Kolkata", "Asia/Kolkata"),
        ("utc", "UTC"),
    ],
)
def test_a_wrong_time_zone_is_told_what_was_meant(zone: str, meant: str) -> None:
    with pytest.raises(ValidationError, match=f"must be an IANA time zone .*; did you mean {meant}\\?"):
        ExplainQuery(cron_expression="* * * * *", timezone=zone)


@pytest.mark.parametrize("zone", ["", "Mars/Phobos", "../etc/passwd", "Z" * 64, "Europe", "10"])
def test_no_time_zone_is_made_up_where_none_is_near(zone: str) -> None:
    with pytest.raises(ValidationError, match="must be an IANA time zone such as Europe/Berlin or UTC "):
        ExplainQuery(cron_expression="* * * * *", timezone=zone)


@pytest.mark.parametrize("expression", ["hello", "0 0 30 2 *", "* * * *", "", "a " * 100, "@" * 255])
def test_nothing_is_made_up_where_nothing_is_near(expression: str) -> None:
    with pytest.raises(ValueError, match=r"must have|never fires|has no macro") as refused:
        check(expression)

    assert "did you mean" not in str(refused.value)
