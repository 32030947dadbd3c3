"""Suggest the zone that somebody meant by an unknown name, and describe zones that have no city's name."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import cache

from shared import clock
from shared.schedule import zone_data
from shared.schedule.zone_names import ABBREVIATIONS, CITIES, WINDOWS

MOST_NAMED = 3
SHORTEST_PLACE = 5
"""How long a place name must be to be found by similar spelling: similar shorter names are other places."""
LOWEST, HIGHEST = timedelta(hours=-12), timedelta(hours=14)

_OFFSET = re.compile(r"(?:Etc/)?\(?(?:UTC|GMT)?\s*([+\u2212-])\s*(\d{1,2})(?::?(\d\d))?\)?(?:\s.*)?", re.I)
_FIXED = re.compile(r"Etc/GMT[+-]\d{1,2}", re.I)
_LONG_NAME = re.compile(r"(.+?)(?: Standard| Daylight| Summer)? Time( \(.+\))?", re.I)
_LETTERS = re.compile(r"[a-z_]+")


def advise(name: str) -> str:
    """What to write instead, as the end of a sentence; empty if there is no good guess."""
    name = re.sub("^(?:posix|right)/", "", name.strip())
    if found := _zones().get(name.lower().replace(" ", "_")):
        return f"; did you mean {found}?"
    if _FIXED.fullmatch(name):
        return _of_fixed(name)
    if (match := _OFFSET.fullmatch(name)) or name.upper() == "Z":
        return _of_offset(match)
    if found := _of_windows(name):
        return f"; did you mean {found}?"
    if zones := ABBREVIATIONS.get(name.upper()):
        return (
            f"; {name.upper()} is an abbreviation: name the zone that it stands for, such as {_listed(zones)}"
        )
    near = _near(name.lower().replace(" ", "_"))
    return f"; did you mean {_listed(near)}?" if near else ""


def clock_of(name: str) -> str:
    """A zone as a sentence names it: with its offsets if its name has no city."""
    if "/" in name and not name.startswith("Etc/"):
        return name
    winter, summer = _offsets(name)
    if winter == summer:
        return f"{name} ({_utc(winter)} all year)"
    return f"{name} ({_utc(winter)}, and {_utc(summer)} in summer)"


def _of_fixed(name: str) -> str:
    """Names such as `etc/gmt+02`, in IANA's spelling and with the offset they mean."""
    found = _zones().get(re.sub(r"(?<=[+-])0+(?=\d)", "", name.lower()))
    return f"; did you mean {found}, which is {_utc(_offsets(found)[0])}?" if found else ""


def _of_offset(match: re.Match[str] | None) -> str:
    hours, minutes = (int(match[2]), int(match[3] or 0)) if match else (0, 0)
    if not match or not hours + minutes:
        return "; did you mean UTC?"
    sign, posix = ("+", "-") if match[1] == "+" else ("-", "+")
    offset = timedelta(hours=hours, minutes=minutes) * int(f"{sign}1")
    if minutes > 59 or not LOWEST <= offset <= HIGHEST:
        return f"; {sign}{hours:02}:{minutes:02} is an offset that no clock has"
    ways = [f"{_listed(cities)} ({often})" for often, cities in _cities_at(offset) if cities]
    if not minutes:
        # The sign in these names is that of POSIX, which counts to the west.
        ways.append(f"Etc/GMT{posix}{hours} (its sign is the other way round)")
    said = f"; {_utc(offset)} is an offset, and a zone may change its own in summer"
    return f"{said}: name the zone you mean, such as {_listed(ways, ', ')}" if ways else said


def _cities_at(offset: timedelta) -> Iterable[tuple[str, Sequence[str]]]:
    found = [(city, _offsets(city)) for city in CITIES]
    yield "all year", [city for city, both in found if set(both) == {offset}]
    yield "a part of the year", [city for city, both in found if offset in both and len(set(both)) == 2]


def _of_windows(name: str) -> str | None:
    match = _LONG_NAME.fullmatch(name)
    if match is None:
        return None
    base, qualifier = match[1].lower(), (match[2] or "").lower()
    return WINDOWS.get(base + qualifier) or WINDOWS.get(base)


def _near(wanted: str) -> Sequence[str]:
    """Zones of the same place, or of one with a similar spelling."""
    place = wanted.rpartition("/")[2]
    if not _LETTERS.fullmatch(place):
        return ()
    places = _places()
    if place not in places and len(place) >= SHORTEST_PLACE:
        place = next(iter(get_close_matches(place, places, 1, 0.8)), place)
    return places.get(place, ())


@cache
def _places() -> dict[str, Sequence[str]]:
    """Zones by their place in lower case; of those with the same clock, the shortest."""
    found: dict[str, dict[tuple[timedelta, timedelta], str]] = {}
    for lower, zone in sorted(_zones().items(), key=lambda pair: len(pair[1])):
        area, _, place = lower.rpartition("/")
        if area and area != "etc":
            found.setdefault(place, {}).setdefault(_offsets(zone), zone)
    return {place: tuple(zones.values()) for place, zones in found.items()}


@cache
def _zones() -> dict[str, str]:
    """Zones by their names in lower case."""
    return {zone.lower(): zone for zone in zone_data.release().names}


def _offsets(name: str) -> tuple[timedelta, timedelta]:
    """The zone's smaller and larger offset this year, by January and July."""
    zone, year = zone_data.zone(name), clock.now().year
    january, july = (datetime(year, month, 1, tzinfo=UTC).astimezone(zone).utcoffset() for month in (1, 7))
    assert january is not None
    assert july is not None
    return min(january, july), max(january, july)


def _utc(offset: timedelta) -> str:
    minutes = abs(offset) // timedelta(minutes=1)
    return f"UTC{'-' if offset < timedelta() else '+'}{minutes // 60:02}:{minutes % 60:02}"


def _listed(names: Sequence[str], before_last: str = " ") -> str:
    *others, last = names[:MOST_NAMED]
    return f"{', '.join(others)}{before_last}or {last}" if others else last
