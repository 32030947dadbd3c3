"""A start that forks is to who made it what the program itself would be."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.warm import starts

COLD = [sys.executable, "-m", "json.tool"]


def json_tool() -> list[str]:
    return starts.command(COLD, ("json.tool",), "json.tool:main", "json.tool")


@pytest.fixture
def warm() -> list[str]:
    json_tool()
    return json_tool()


def test_the_first_start_is_the_program_itself() -> None:
    first, second, other = (
        starts.command(["program"], (word,), "json.tool:main", "json.tool") for word in ("a", "a", "b")
    )

    assert (first, other) == (["program"], ["program"])
    assert "json.tool:main" in second


def test_it_has_the_folder_and_the_arguments(warm: list[str], tmp_path: Path) -> None:
    (tmp_path / "given.json").write_text('{"a": 1}')

    said = subprocess.run([*warm, "given.json", "--compact"], cwd=tmp_path, capture_output=True, text=True)

    assert (said.returncode, said.stdout, said.stderr) == (0, '{"a":1}\n', "")


def test_it_reads_and_fails_as_the_program_does(warm: list[str]) -> None:
    ends = [subprocess.run(one, input="no", capture_output=True, text=True) for one in (COLD, warm)]

    assert [(end.returncode, end.stdout, end.stderr) for end in ends] == [(1, "", ends[0].stderr)] * 2
    assert ends[0].stderr


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_it(warm: list[str], by: signal.Signals) -> None:
    with subprocess.Popen(warm, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.send_signal(by)

        assert process.stdout
        assert process.stdout.read() == b""  # until nobody has the other end
        assert process.wait(60) == -by
