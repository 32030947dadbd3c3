import json
import os
import subprocess
import sys

import pytest

SAY = r"""
import logging, structlog
from shared.runtime import logs
from shared.settings import Settings
logs.configure(Settings(log_format={format!r}, log_level="INFO"), "api")
structlog.get_logger().info("run", work="j:1:1", status=200)
structlog.get_logger().debug("unseen")
structlog.get_logger().info("odd", text="\ud800 \u00fc", bytes=b"\xff", thing=object)
logging.getLogger("a.library").warning("careful: %s", "x\ny")
try:
    1 / 0
except ZeroDivisionError:
    structlog.get_logger().exception("broken")
"""


SAY_MANY = r"""
import structlog
from shared import clock
from shared.runtime import logs
from shared.settings import Settings
logs.configure(Settings(log_format={format!r}, log_level={level!r}), "api")
one = dict(route="/api/jobs", status=200, text="\ud800 \u00fc", team=None)
structlog.get_logger().info("request", **one)
logs.tell_many("request", [(clock.moment(1_795_830_038_250), one), (clock.moment(1_795_830_039_000), dict(status=404))])
"""
WRITES = """
from shared import clock
from shared.runtime import logs
from shared.settings import Settings
import sys
written, write = [], sys.stderr.write
sys.stderr.write = lambda text: written.append(len(text))
logs.configure(Settings(log_format="json", log_level="INFO"), "api")
logs.tell_many("request", [(clock.moment(0), dict(number=number)) for number in range(100)])
write(str(sorted(written)))
"""


def said(format_: str, script: str = SAY, level: str = "INFO") -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RECURO_")}
    argv = [sys.executable, "-c", script.format(format=format_, level=level)]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return done.stderr


def test_json_is_one_line_an_event_whoever_says_it() -> None:
    ours, odd, theirs, broken = [json.loads(line) for line in said("json").splitlines()]

    assert (ours["event"], ours["work"], ours["status"]) == ("run", "j:1:1", 200)
    assert (ours["service"], ours["level"]) == ("api", "info")
    assert (odd["text"], odd["bytes"], odd["thing"]) == ("\ud800 \u00fc", str(b"\xff"), str(object))
    assert (theirs["event"], theirs["level"]) == ("careful: x\ny", "warning")
    assert "ZeroDivisionError" in broken["exception"]


@pytest.mark.parametrize("word", ["run", "work=j:1:1", "careful", "ZeroDivisionError"])
def test_the_console_is_for_people(word: str) -> None:
    assert word in said("console")


def test_many_are_told_as_each_by_itself() -> None:
    alone, first, second = [json.loads(line) for line in said("json", SAY_MANY).splitlines()]

    assert list(first) == list(alone)
    assert first | {"at": ""} == alone | {"at": ""}
    assert (first["at"], second["at"]) == ("2026-11-28T01:40:38.250000Z", "2026-11-28T01:40:39Z")
    assert (second["event"], second["service"], second["status"]) == ("request", "api", 404)


def test_many_are_told_to_people_too() -> None:
    assert said("console", SAY_MANY).count("request") == 3


def test_many_of_a_level_that_is_not_wanted_are_not_told() -> None:
    assert said("json", SAY_MANY, "WARNING") == ""


def test_lines_are_written_together_as_far_as_they_are_not_torn() -> None:
    sizes = json.loads(said("json", WRITES))

    assert 2 < len(sizes) < 10
    assert sizes[-1] <= 4096
