"""Lines of a crontab as crons, as far as they call a URL by curl or wget.

The format is that of crontab(5) of Vixie cron: five fields or a nickname such as `@daily`, then the command,
which `%` ends unless a backslash stands before it; `NAME=value` sets what comes after it.
"""

import argparse
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn
from urllib.parse import urlsplit

_SETTING = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*")
_ENTRY = re.compile(r"\s*(@[A-Za-z]+|(?:\S+\s+){4}\S+)\s+(\S.*?)\s*")
_ZONES = frozenset({"CRON_TZ", "TZ"})
_NICKNAMES = {"@annually": "@yearly", "@midnight": "@daily"}
_INPUT = re.compile(r"(?<!\\)%")
_URL = re.compile(r"https?://", re.IGNORECASE)
_OTHERS = frozenset({";", "&&", "||", "|", "&"})
_NAME_CHARACTERS = 255


class NoCron(ValueError):
    """A line that cannot become a cron, and why."""


class _Options(argparse.ArgumentParser):
    """Of a program that calls a URL: those that say what is sent, and those that take a value."""

    def __init__(
        self, data: Sequence[str], *, lost: Sequence[str], valued: Sequence[str], flags: str
    ) -> None:
        super().__init__(add_help=False, allow_abbrev=False)
        self.add_argument("-X", "--request", "--method", dest="method")
        self.add_argument("-H", "--header", dest="headers", action="append", default=[])
        self.add_argument(*data, dest="data", action="append", default=[])
        self.add_argument("--json", dest="json", action="append", default=[])
        self.add_argument(*lost, dest="lost", action="append", default=[])
        self.add_argument(*valued, dest="valued", action="append")
        for flag in flags:
            self.add_argument(f"-{flag}", action="store_true")
        self.add_argument("words", nargs="*", default=[])

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


_PROGRAMS = {
    "curl": _Options(
        ("-d", "--data", "--data-raw", "--data-binary", "--data-ascii"),
        lost=("-u", "--user", "-F", "--form", "-T", "--upload-file", "-b", "--cookie", "-x", "--proxy"),
        valued=(
            *(
                "-o",
                "--output",
                "-m",
                "--max-time",
                "--connect-timeout",
                "-A",
                "--user-agent",
                "-e",
                "--referer",
            ),
            *("-w", "--write-out", "--retry", "--retry-delay", "--retry-max-time", "-c", "--cookie-jar"),
        ),
        flags="fsSLkgivOJN",
    ),
    "wget": _Options(
        ("--post-data", "--body-data"),
        lost=("--user", "--password", "--http-user", "--http-password", "--post-file", "--body-file"),
        valued=(
            *("-O", "--output-document", "-o", "--output-file", "-a", "-t", "--tries", "-T", "--timeout"),
            *("-U", "--user-agent", "-w", "--wait"),
        ),
        flags="qvSNcdb",
    ),
}


def read(text: str, timezone: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The number of each line that calls something, and a cron's fields; raises NoCron, with the line."""
    named = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            named = ""
        elif line.lstrip().startswith("#"):
            named = line.strip().lstrip("#").strip()
        elif setting := _SETTING.fullmatch(line):
            if setting[1] in _ZONES:
                timezone = setting[2].strip("\"'")
        else:
            try:
                yield number, _cron(line, named) | {"timezone": timezone}
            except ValueError as error:
                raise NoCron(f"line {number} {error}") from None
            named = ""


def _cron(line: str, named: str) -> dict[str, Any]:
    found = _ENTRY.fullmatch(line)
    if found is None or {*found[1].split()} & {*_PROGRAMS}:
        raise ValueError(f"is no schedule of five fields and a command: {line.strip()[:80]}")
    schedule, command = found[1], found[2]
    if schedule.lower() == "@reboot":
        raise ValueError("fires at a start of the machine, which a cron cannot")
    if _INPUT.search(command):
        raise ValueError("gives the command an input after %, which a cron cannot; use curl -d")
    asked = _request(shlex.split(command.replace("\\%", "%")))
    parts = urlsplit(asked["url"])
    name = named or f"{parts.hostname}{parts.path}".rstrip("/")
    expression = _NICKNAMES.get(schedule.lower(), schedule)
    return {"name": name[:_NAME_CHARACTERS], "cron_expression": expression, **asked}


def _request(words: Sequence[str]) -> dict[str, Any]:
    program = words[0].rpartition("/")[2]
    if program not in _PROGRAMS:
        raise ValueError(f"runs {program[:40]}; a cron calls a URL, as curl or wget does")
    if _OTHERS & {*words}:
        raise ValueError("does more than one thing; make a cron of each call")
    options, unknown = _PROGRAMS[program].parse_known_args(list(words[1:]))
    if unknown:
        raise ValueError(
            f"has the option {unknown[0][:40]}, which is not known here; leave it out if it may go"
        )
    if options.lost:
        raise ValueError("has an option that a cron cannot keep (a user, a file, a form, a cookie, a proxy)")
    urls = [word for word in options.words if _URL.match(word)]
    if len(urls) != 1:
        raise ValueError(f"names {len(urls) or 'no'} URL{'s' * (len(urls) > 1)}; a cron calls one")
    sent = _sent(options)
    return {
        "url": urls[0],
        "method": (options.method or ("POST" if "payload" in sent else "GET")).upper(),
        **sent,
    }


def _sent(options: argparse.Namespace) -> dict[str, Any]:
    """Headers and payload, with the Content-Type that curl and wget give a body without one."""
    pairs = (header.partition(":") for header in options.headers)
    headers = {name.strip(): value.strip() for name, _, value in pairs}
    data, type_ = options.data, "application/x-www-form-urlencoded"
    if options.json:
        data, type_ = ["".join((*data, *options.json))], "application/json"
    if any(one.startswith("@") for one in data):
        raise ValueError("sends a file; a cron has its payload as text")
    if data and "content-type" not in {name.lower() for name in headers}:
        headers["Content-Type"] = type_
    return ({"headers": headers} if headers else {}) | ({"payload": "&".join(data)} if data else {})
