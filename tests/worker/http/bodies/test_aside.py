"""Looks into bodies happen beside the worker: they end in time, and delay nobody but who asked for them."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from pydantic import TypeAdapter, ValidationError

from services.worker.http.bodies.aside import Aside
from services.worker.http.bodies.checks import Wanted
from shared.schemas.assertions import Assertion
from shared.schemas.base import STORED
from shared.schemas.queues import QueueSettings
from tests.poll import best_of_three, in_time, until

MIB = 1 << 20
SLOW = Wanted("body_matches", r"(?s)(a.{900}z|b.{900}z|c.{900}z)$")
BODY = b"ab" * (MIB // 2)
QUICK = Wanted("body_matches", "b$")
HOSTILE, QUIET = 1, 2
LARGE = {"type": "body_matches", "value": r"\pL{1,200}"}


@pytest.fixture
async def aside() -> AsyncIterator[Aside]:
    aside = Aside(cpu_seconds=0.3)
    yield aside
    await aside.close()


async def test_a_pattern_that_takes_long_ends_in_time_and_says_so(aside: Aside) -> None:
    said = await aside.why_not(HOSTILE, SLOW, BODY, is_whole=True)

    assert said == "it takes more than 0.3 s to look; let it be something simpler"
    assert await aside.why_not(HOSTILE, QUICK, BODY, is_whole=True) is None


@best_of_three
async def test_the_loop_goes_on_while_a_pattern_takes_long(aside: Aside) -> None:
    slow = asyncio.create_task(aside.why_not(HOSTILE, SLOW, BODY, is_whole=True))

    turns, last = [], time.thread_time()
    while not slow.done():
        await asyncio.sleep(0.01)  # the turns of others, which are measured
        now = time.thread_time()
        turns.append(now - last)
        last = now

    assert len(turns) > 2  # of thirty; who holds the loop leaves none
    in_time(max(turns), 0.1)


async def test_patterns_of_one_team_do_not_delay_those_of_another() -> None:
    aside = Aside(cpu_seconds=30.0)  # no slow one ends before the test does
    await aside.why_not(QUIET, QUICK, BODY, is_whole=True)
    slow = [asyncio.create_task(aside.why_not(HOSTILE, SLOW, BODY, is_whole=True)) for _ in range(6)]

    for _ in range(10):
        assert await aside.why_not(QUIET, QUICK, BODY, is_whole=True) is None

    assert not any(task.done() for task in slow)
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    await aside.close()


async def test_a_process_that_ended_by_itself_is_replaced(aside: Aside) -> None:
    await aside.why_not(QUIET, QUICK, BODY, is_whole=True)
    (process,) = aside._all
    os.kill(process.pid, signal.SIGKILL)

    assert await aside.why_not(QUIET, QUICK, BODY, is_whole=True) is None


async def test_no_process_is_left_behind() -> None:
    aside = Aside()
    await aside.why_not(QUIET, QUICK, BODY, is_whole=True)
    (process,) = aside._all

    await aside.close()

    assert process.returncode == -signal.SIGKILL


async def test_a_process_ends_with_its_worker(aside: Aside) -> None:
    await aside.why_not(QUIET, QUICK, BODY, is_whole=True)
    (process,) = aside._all
    assert process.stdin is not None

    process.stdin.close()

    await until(lambda: _is_gone(process.pid))


async def _is_gone(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return False
    return True


def test_a_new_pattern_may_not_be_large_and_is_told_so() -> None:
    with pytest.raises(ValidationError, match="must be a smaller pattern"):
        TypeAdapter(Assertion).validate_python(LARGE)


def test_a_stored_pattern_that_is_larger_is_read_all_the_same() -> None:
    settings = QueueSettings.model_validate({"success_assertions": [LARGE]}, context=STORED)

    assert settings.success_assertions[0].type == "body_matches"


async def test_a_machine_that_starts_no_process_says_so_in_the_log(
    aside: Aside, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    said = await aside.why_not(QUIET, QUICK, BODY, is_whole=True)

    assert said == "nobody could look; the worker's log says why"
    assert "aside_not_started" in capsys.readouterr().out
