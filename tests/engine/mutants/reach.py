"""Which functions of the Lua each test gets to: a run of the tests with a line in each function, and what it logged.

As a plugin of pytest (`-p tests.engine.mutants.reach`) it notes for each test what the Redis it ran on logged meanwhile.
"""

import json
import os
import re
import time
from collections.abc import Generator, Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.cli.embedded import LOG
from tests.engine.mutants.mutation import Places

OUTPUT = "RECURO_MUTANTS_REACH"
"""The environment variable that names the file that the notes go to."""
_LOG = " redis.log(redis.LOG_WARNING, 'reached {0}') "
_ONCE = f" if not SEEN['{{0}}'] then SEEN['{{0}}'] = true{_LOG}end "
_BEGIN, _ANEW = "begin", "\nat_begin(function() SEEN = {} end)\n"
"""Each call of the library begins with this function, in whose file others say what they begin anew."""
_LOGGED = re.compile(r"reached (\S+)$", re.M)


def watch(folder: Path) -> None:
    """Let each function and transition of the Lua below the folder log its name, once in a call of the library.

    Logged each time, what stores hundreds of jobs would take seconds, and clients would give it up.
    """
    inserted: dict[Path, list[tuple[int, str]]] = {}
    for path, at, name in Places(folder).bodies():
        lines = inserted.setdefault(path, [])
        lines.append((at, (_LOG if name == _BEGIN else _ONCE).format(name)))
        if name == _BEGIN:
            lines += [(0, "local SEEN = {}\n"), (len(path.read_text()), _ANEW)]
    for path, lines in inserted.items():
        text = path.read_text()
        for at, line in sorted(lines, reverse=True):
            text = text[:at] + line + text[at:]
        path.write_text(text)


@dataclass(slots=True)
class Reach:
    """Of one test function, over all its parameters."""

    seconds: float = 0.0
    places: set[str] = field(default_factory=set)


def read(notes: Iterable[Path]) -> dict[str, Reach]:
    """By the test function, in the order they ran in."""
    found: dict[str, Reach] = {}
    for path in notes:
        for line in path.read_text().splitlines():
            note = json.loads(line)
            one = found.setdefault(note["test"].partition("[")[0], Reach())
            one.seconds += note["seconds"]
            one.places.update(note["places"])
    return found


def judges_of(known: Mapping[str, Reach], places: Set[str]) -> list[str]:
    """Those that get to one of the places: first those that end soon and get to little else."""
    found = [(one.seconds * len(one.places), test) for test, one in known.items() if one.places & places]
    return [test for _, test in sorted(found)]


class _Notes:
    """One line of JSON a test: its id, how many seconds it took, and what it got to."""

    def __init__(self, folder: Path, output: Path) -> None:
        self._folder, self._output = folder, output
        self._read: dict[Path, int] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        began = time.monotonic()
        answer = yield
        note = {"test": item.nodeid, "seconds": time.monotonic() - began, "places": sorted(self._news())}
        with self._output.open("a") as notes:
            notes.write(json.dumps(note) + "\n")
        return answer

    def _news(self) -> set[str]:
        """What the servers of this run logged since the last test."""
        found: set[str] = set()
        for path in (*self._folder.glob(f"*/{LOG}"), *self._folder.glob(f"*/*/{LOG}")):
            with path.open(errors="replace") as log:
                log.seek(self._read.get(path, 0))
                found.update(_LOGGED.findall(log.read()))
                self._read[path] = log.tell()
        return found


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_Notes(Path(config.getoption("basetemp")), Path(os.environ[OUTPUT])))
