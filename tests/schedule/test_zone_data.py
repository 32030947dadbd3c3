"""Which release of the time zones' rules counts, and that no other is ever read."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfoNotFoundError

import pytest
import tzdata
from pydantic import ValidationError

from shared.schedule import zone_data
from shared.schedule.zone_data import PINNED, SYSTEM, Release, newest, of_folder, zone
from shared.schemas.crons import CronCreate

NAMES = frozenset({"UTC", "America/Vancouver"})
OURS = Release("2026f", PINNED, NAMES, Path())


def system(version: str, names: frozenset[str] = NAMES) -> Release:
    return Release(version, SYSTEM, names, Path())


@pytest.mark.parametrize(
    ("version", "origin"), [("2025b", PINNED), ("2026f", PINNED), ("2026g", SYSTEM), ("2027a", SYSTEM)]
)
def test_the_newer_release_counts(version: str, origin: str) -> None:
    assert newest(OURS, [None, system(version)]).origin == origin


def test_a_newer_release_that_lacks_zones_does_not_count() -> None:
    assert newest(OURS, [system("2027a", frozenset({"UTC"}))]) is OURS


def a_folder(folder: Path, *, source: str = "", version: str = "") -> Path:
    for name in ("UTC", "Europe/Berlin", "Mars/Olympus", "right/UTC", "localtime", "Factory"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"TZif")
    if source:
        (folder / "tzdata.zi").write_text(source)
    if version:
        (folder / "+VERSION").write_text(version)
    return folder


def test_a_folder_tells_its_release_and_its_zones_in_its_source(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, source="# version 2027a\nR d 1916 o\nZ Mars/Olympus 0 - X\nL UTC Etc/Gone\n")

    found = of_folder(folder, ["UTC", "Europe/Berlin", "Asia/Tokyo", "localtime", "Factory", "right/UTC"])

    assert found
    assert found.version == "2027a"
    assert found.names == {"UTC", "Europe/Berlin", "Mars/Olympus"}


def test_a_folder_may_tell_its_release_in_a_file_of_its_own(tmp_path: Path) -> None:
    found = of_folder(a_folder(tmp_path, version="2027b\n"), ["UTC"])

    assert found
    assert found.version == "2027b"


@pytest.mark.parametrize("source", ["", "R d 1916 o\n", "# version unknown\n", "# version 2027a-3-gabcdef\n"])
def test_a_folder_of_no_known_release_does_not_count(tmp_path: Path, source: str) -> None:
    assert of_folder(a_folder(tmp_path, source=source), ["UTC"]) is None


def in_a_process(system_folder: Path) -> tuple[str, float]:
    """The release that a process with that system folder uses, and Vancouver's offset in it, in hours."""
    code = (
        "import json, datetime; from shared.schedule import zone_data;"
        "at = datetime.datetime(2026, 12, 1, tzinfo=datetime.UTC);"
        "off = at.astimezone(zone_data.zone('America/Vancouver')).utcoffset();"
        "print(json.dumps([str(zone_data.release()), off.total_seconds() / 3600]))"
    )
    environment = {**os.environ, "PYTHONTZPATH": str(system_folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, check=True, text=True
    )
    release, offset = json.loads(done.stdout)
    return release, offset


def mars(folder: Path, version: str) -> Path:
    """A system's folder of that release, by which Vancouver has the clock of Berlin."""
    berlin = (zone_data.release().folder / "Europe/Berlin").read_bytes()
    for name in zone_data.release().names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(berlin)
    (folder / "tzdata.zi").write_text(f"# version {version}\n")
    return folder


def test_an_older_system_is_not_read_and_a_newer_one_is(tmp_path: Path) -> None:
    older, newer = mars(tmp_path / "older", "2019a"), mars(tmp_path / "newer", "2199a")

    assert in_a_process(older) == (f"{tzdata.IANA_VERSION} (pinned)", -7.0)
    assert in_a_process(newer) == ("2199a (system)", 1.0)


def test_vancouver_keeps_its_summer_time_from_2026_on() -> None:
    offset = datetime(2026, 12, 1, tzinfo=UTC).astimezone(zone("America/Vancouver")).utcoffset()

    assert offset == timedelta(hours=-7)


@pytest.mark.parametrize(
    "name",
    [
        "right/Europe/Berlin",
        "posix/UTC",
        "localtime",
        "posixrules",
        "Factory",
        "zone.tab",
        "../UTC",
        "europe/berlin",
    ],
)
def test_only_zones_of_iana_are_accepted(name: str) -> None:
    with pytest.raises(ValidationError, match="must be an IANA time zone such as Europe/Berlin or UTC"):
        CronCreate(name="a", url="https://a.example/", cron_expression="* * * * *", timezone=name)


@pytest.mark.parametrize("name", ["Europe/Kiev", "US/Pacific", "America/Vancouver", "Asia/Calcutta"])
def test_links_of_iana_are_accepted(name: str) -> None:
    cron = CronCreate(name="a", url="https://a.example/", cron_expression="* * * * *", timezone=name)

    assert str(zone(cron.timezone)) == name


def test_a_copy_that_was_stored_before_is_read_as_its_zone() -> None:
    assert zone("right/Europe/Berlin").key == zone("posix/Europe/Berlin").key == "Europe/Berlin"


@pytest.mark.parametrize("name", ["localtime", "Mars/Olympus", "", "../../etc/passwd", "/etc/localtime"])
def test_what_the_release_does_not_have_is_not_read(name: str) -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        zone(name)
