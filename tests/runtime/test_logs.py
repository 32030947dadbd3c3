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


def said(format_: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RECURO_")}
    argv = [sys.executable, "-c", SAY.format(format=format_)]
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
