"""Time zones that are none: what is said of each, and that the tables name what IANA has."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from shared.schedule import zone_data, zones
from shared.schedule.zone_names import ABBREVIATIONS, CITIES, WINDOWS
from shared.schemas.explain import ExplainQuery

NICKNAMES = {"CT": "CST", "ET": "EST", "MT": "MST", "PT": "PST", "MEZ": "CET", "MESZ": "CEST", "PHT": "PST"}
PLUS_TWO = (
    "UTC+02:00 is an offset, and a zone may change its own in summer: name the zone you mean, such as "
    "Africa/Johannesburg (all year), Europe/Berlin or Europe/Athens (a part of the year), "
    "or Etc/GMT-2 (its sign is the other way round)"
)
MINUS_FIVE = (
    "UTC-05:00 is an offset, and a zone may change its own in summer: name the zone you mean, such as "
    "America/Bogota (all year), America/Chicago or America/New_York (a part of the year), "
    "or Etc/GMT+5 (its sign is the other way round)"
)
INDIA = (
    "UTC+05:30 is an offset, and a zone may change its own in summer: name the zone you mean, such as "
    "Asia/Kolkata (all year)"
)


def refusal(zone: str) -> str:
    """What follows the one sentence that all refusals begin with."""
    with pytest.raises(ValidationError) as refused:
        ExplainQuery(cron_expression="* * * * *", timezone=zone)
    said = str(refused.value.errors()[0]["msg"])
    return said.partition("must be an IANA time zone such as Europe/Berlin or UTC; ")[2]


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        *(
            (zone, PLUS_TWO)
            for zone in ("GMT+2", "UTC+2", "utc+02", "UTC +02:00", "+0200", "+2", "Etc/UTC+2")
        ),
        *((zone, MINUS_FIVE) for zone in ("GMT-5", "UTC-05:00", "\u22125", "(UTC-05:00) Eastern Time")),
        *((zone, INDIA) for zone in ("+05:30", "GMT+5:30")),
        *((zone, "did you mean UTC?") for zone in ("UTC+0", "GMT+00:00", "-00:00", "Z")),
        ("UTC+15", "+15:00 is an offset that no clock has"),
        ("-12:30", "-12:30 is an offset that no clock has"),
        ("+5:75", "+05:75 is an offset that no clock has"),
        ("Etc/GMT+02", "did you mean Etc/GMT+2, which is UTC-02:00?"),
        ("etc/gmt-2", "did you mean Etc/GMT-2?"),
    ],
)
def test_an_offset_is_never_turned_into_its_opposite(zone: str, said: str) -> None:
    assert refusal(zone) == said


@pytest.mark.parametrize(
    ("zone", "likely"),
    [
        ("PST", "America/Los_Angeles or Asia/Manila"),
        ("ist", "Asia/Kolkata, Europe/Dublin or Asia/Jerusalem"),
        ("BST", "Europe/London or Asia/Dhaka"),
        ("CEST", "Europe/Berlin or Europe/Paris"),
        ("EDT", "America/New_York"),
        ("AEST", "Australia/Sydney or Australia/Brisbane"),
        ("ET", "America/New_York"),
    ],
)
def test_an_abbreviation_is_told_what_it_may_stand_for(zone: str, likely: str) -> None:
    said = f"{zone.upper()} is an abbreviation: name the zone that it stands for, such as {likely}"

    assert refusal(zone) == said


@pytest.mark.parametrize("zone", ["EST", "MST", "HST", "CET", "EET", "EST5EDT", "Etc/GMT+2", "GMT"])
def test_what_iana_has_is_taken(zone: str) -> None:
    assert ExplainQuery(cron_expression="* * * * *", timezone=zone).timezone == zone


@pytest.mark.parametrize(
    ("zone", "meant"),
    [
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("Pacific Standard Time", "America/Los_Angeles"),
        ("Pacific Standard Time (Mexico)", "America/Tijuana"),
        ("Eastern Time (US & Canada)", "America/New_York"),
        ("pacific daylight time", "America/Los_Angeles"),
        ("British Summer Time", "Europe/London"),
        ("Coordinated Universal Time", "UTC"),
    ],
)
def test_the_names_of_windows_are_known(zone: str, meant: str) -> None:
    assert refusal(zone) == f"did you mean {meant}?"


@pytest.mark.parametrize(
    ("zone", "meant"),
    [
        ("Europe/Londn", "Europe/London"),
        ("Europe/New_York", "America/New_York"),
        ("Sidney", "Australia/Sydney"),
    ],
)
def test_a_place_is_found_by_its_spelling(zone: str, meant: str) -> None:
    assert refusal(zone) == f"did you mean {meant}?"


def test_places_with_one_name_and_two_clocks_are_all_named() -> None:
    assert refusal("Brazil/North") == "did you mean Australia/North?"
    assert refusal("Etc/West") == "did you mean Brazil/West or Australia/West?"


@pytest.mark.parametrize("zone", ["America/St_Louis", "XST", "ESTT", "CET-1CEST", "Etc/GMT+15", "Rom"])
def test_nothing_is_suggested_whose_clock_is_another(zone: str) -> None:
    assert refusal(zone) == ""


@pytest.mark.parametrize("zone", ["localtime", "posixrules", "Factory"])
def test_a_machines_own_clock_and_a_placeholder_are_no_zones(zone: str) -> None:
    assert refusal(zone) == ""


@pytest.mark.parametrize("folder", ["posix", "right"])
def test_a_copy_of_a_zone_is_told_as_the_zone(folder: str) -> None:
    assert refusal(f"{folder}/Europe/Berlin") == "did you mean Europe/Berlin?"


@pytest.mark.parametrize("zone", sorted({*sum(ABBREVIATIONS.values(), ()), *CITIES, *WINDOWS.values()}))
def test_the_tables_name_zones_of_iana(zone: str) -> None:
    assert str(zone_data.zone(zone)) == zone


@pytest.mark.parametrize(("short", "likely"), ABBREVIATIONS.items())
def test_an_abbreviation_is_one_of_each_of_its_zones(short: str, likely: tuple[str, ...]) -> None:
    name = NICKNAMES.get(short, short)

    for zone in likely:
        used = {
            str(datetime(2026, month, 1, tzinfo=UTC).astimezone(zone_data.zone(zone)).tzname())
            for month in (1, 7)
        }
        # IANA gives some zones no letters, but a number.
        assert name in used or not all(each.isalpha() for each in used)


def test_each_offset_of_a_clock_has_a_city() -> None:
    def offset(zone: str, month: int) -> timedelta | None:
        return datetime(2026, month, 1, tzinfo=UTC).astimezone(zone_data.zone(zone)).utcoffset()

    known = {offset(city, month) for city in CITIES for month in (1, 7)}
    cities = [zone for zone in zones._zones().values() if "/" in zone and not zone.startswith("Etc/")]

    assert {offset(zone, month) for zone in cities for month in (1, 7)} - known == set()
