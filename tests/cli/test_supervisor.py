"""The supervisor, as a process of its own, over tiny programs."""

import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.poll import until
from tests.processes import alive

SUPERVISE = """
import asyncio, os, sys
from services.cli.console import Console
from services.cli.supervisor import Service, Supervisor

names = sys.argv[1::2]
services = [Service(name, [sys.executable, "-u", "-c", code]) for name, code in zip(names, sys.argv[2::2])]
supervisor = Supervisor(services, os.environ, Console((*names, "recuro")))
sys.exit(asyncio.run(supervisor.run(when_ready=lambda: print("all ready", flush=True))))
"""
SLEEP = "import os, time; print('pid', os.getpid()); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
POLITE = f"import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('bye'))); {SLEEP}"
CRASH = "print('about to crash'); raise SystemExit(3)"


class Stage:
    """Starts supervisors whose output goes to a file, and ends them after the test."""

    def __init__(self, folder: Path) -> None:
        self._output = folder / "output"
        self._process: subprocess.Popen[bytes] | None = None

    def play(self, **services: str) -> subprocess.Popen[bytes]:
        arguments = [part for pair in services.items() for part in pair]
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-c", SUPERVISE, *arguments], stdout=output, stderr=output
            )
        return self._process

    def said(self) -> str:
        return self._output.read_text()

    def pids(self) -> list[int]:
        return [int(line.split()[-1]) for line in self.said().splitlines() if "| pid " in line]

    def heard(self, text: str, times: int = 1) -> Callable[[], Awaitable[bool]]:
        async def look() -> bool:
            return self.said().count(text) >= times

        return look

    def end(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.end()


async def test_every_line_stands_under_the_name_of_its_process(stage: Stage) -> None:
    stage.play(one=f"print('first'); {SLEEP}", another=f"print('second'); {SLEEP}")

    await until(stage.heard("| pid ", 2))

    assert "one     | first\n" in stage.said()
    assert "another | second\n" in stage.said()


async def test_colours_are_for_terminals_only(stage: Stage) -> None:
    stage.play(one=SLEEP)

    await until(stage.heard("| pid "))

    assert "\x1b" not in stage.said()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_stop_signal_ends_the_services_politely(stage: Stage, number: int) -> None:
    process = stage.play(one=POLITE, two=POLITE)
    await until(stage.heard("| pid ", 2))

    process.send_signal(number)

    assert process.wait(30) == 0
    assert stage.said().count("| bye") == 2
    assert not any(map(alive, stage.pids()))


async def test_a_service_that_ignores_sigterm_is_ended_all_the_same(stage: Stage) -> None:
    process = stage.play(one=STUBBORN)
    await until(stage.heard("| pid "))

    process.terminate()

    assert process.wait(30) == 0
    assert not any(map(alive, stage.pids()))


async def test_a_service_that_ends_is_started_again(stage: Stage) -> None:
    stage.play(one=SLEEP)
    await until(stage.heard("| pid "))

    os.kill(stage.pids()[0], signal.SIGKILL)
    await until(stage.heard("| pid ", 2))

    assert "one was ended by signal 9; starting it again in 0.2 s" in stage.said()
    assert len(set(stage.pids())) == 2


async def test_a_crash_loop_ends_all_and_shows_the_last_lines(stage: Stage) -> None:
    process = stage.play(bad=CRASH, good=POLITE)

    status = process.wait(60)

    assert status == 1
    assert stage.said().count("bad    | about to crash") == 5
    assert "    about to crash\nrecuro | bad ended 5 times in a row; its last lines are above" in stage.said()
    assert not any(map(alive, stage.pids()))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
async def test_kill_9_of_the_supervisor_leaves_nothing_running(stage: Stage) -> None:
    process = stage.play(one=STUBBORN, two=SLEEP)
    await until(stage.heard("| pid ", 2))

    process.kill()
    process.wait()

    async def all_gone() -> bool:
        return not any(map(alive, stage.pids()))

    assert await until(all_gone)


async def test_a_line_without_an_end_and_bytes_that_are_no_text_pass_through(stage: Stage) -> None:
    stage.play(one=f"import sys; sys.stdout.buffer.write(b'\\xff' + b'x' * 200_000 + b'\\n'); {SLEEP}")

    await until(stage.heard("| pid "))

    assert "one    | \N{REPLACEMENT CHARACTER}xxx" in stage.said()
