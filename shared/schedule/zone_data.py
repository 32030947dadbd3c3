"""The time zone rules in use: the newer of the system's release and the pinned one, no others."""

import re
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog
import tzdata

PINNED, SYSTEM = "pinned", "system"

log = structlog.get_logger()

_VERSION = re.compile(r"[0-9]{4}[a-z]{1,2}")
_COPIES = re.compile(r"(?:posix|right)/")
_BESIDE = re.compile(r"(?:posix|right)/.*|posixrules|localtime|Factory")


@dataclass(frozen=True, slots=True)
class Release:
    """A release of IANA's time zones: its version (2026f), whose copy, its zones, and where they are."""

    version: str
    origin: str
    names: frozenset[str]
    folder: Traversable

    def __str__(self) -> str:
        return f"{self.version} ({self.origin})"


@cache
def release() -> Release:
    """The release that this process uses, for all its life."""
    return newest(_pinned(), (_of_system(Path(folder)) for folder in zoneinfo.TZPATH))


def announce() -> None:
    """Log at the start of a service which release it uses."""
    log.info("zone_data", release=release().version, origin=release().origin)


@cache
def zone(name: str) -> ZoneInfo:
    """A zone by the release in use; raises ZoneInfoNotFoundError, which is a KeyError, if it has none.

    Copies that an earlier Recuro accepted (`posix/…`, `right/…`) are read as the zone they copy.
    """
    plain, used = _COPIES.sub("", name), release()
    if plain not in used.names:
        raise ZoneInfoNotFoundError(f"no time zone {name} in release {used}")
    with used.folder.joinpath(*plain.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=plain)


def newest(pinned: Release, others: Iterable[Release | None]) -> Release:
    """The newest; the pinned one if the other is no newer, lacks zones, or does not name its version."""
    whole = (other for other in others if other and other.names >= pinned.names)
    return max((pinned, *whole), key=lambda each: each.version)


def of_folder(folder: Path, names: Iterable[str]) -> Release | None:
    """The release in a system's folder, with those of `names` that it has; None if it names no version."""
    version, more = _described(folder)
    if not _VERSION.fullmatch(version):
        return None
    found = {name for name in (*names, *more) if folder.joinpath(name).is_file()}
    return Release(version, SYSTEM, _of_iana(found), folder)


def _of_system(folder: Path) -> Release | None:
    try:
        return of_folder(folder, _pinned().names)
    except OSError:  # it does not exist, or we may not read it
        return None


@cache
def _pinned() -> Release:
    package = files(tzdata)
    names = package.joinpath("zones").read_text().split()
    return Release(tzdata.IANA_VERSION, PINNED, _of_iana(names), package.joinpath("zoneinfo"))


def _of_iana(names: Iterable[str]) -> frozenset[str]:
    """Without the names of the machine's own clock and placeholders, which zone folders also contain."""
    return frozenset(name for name in names if not _BESIDE.fullmatch(name))


def _described(folder: Path) -> tuple[str, list[str]]:
    """The version that a folder names ("" if none), and the zones and links that it lists."""
    source, version = folder / "tzdata.zi", folder / "+VERSION"
    if source.is_file():
        first, *lines = source.read_text(errors="replace").splitlines()
        return first.removeprefix("# version "), [_name(line) for line in lines if line[:2] in ("Z ", "L ")]
    return version.read_text().strip() if version.is_file() else "", []


def _name(line: str) -> str:
    """The names in lines such as `Z Europe/Berlin 0:53:28 …` and `L Europe/Kyiv Europe/Kiev`."""
    kind, first, second, *_ = line.split()
    return first if kind == "Z" else second
