"""The line of a request is told soon after its answer, and with those of others."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from shared.runtime import lines
from shared.runtime.lines import Lines
from tests.poll import until

EVENT = "told_here"
"""No other: a service of another test may be ending in this process."""


def numbers(logged: Iterable[Mapping[str, Any]]) -> list[int]:
    return [line["number"] for line in logged if line["event"] == EVENT]


def of(number: int) -> dict[str, object]:
    return {"number": number}


async def test_a_line_comes_soon_and_by_itself() -> None:
    told = Lines(EVENT)
    with capture_logs() as logged:
        told.tell(of, 200)
        told.tell(of, 404)
        at_once = list(logged)

        async def come() -> bool:
            return bool(numbers(logged))

        await until(come)

    assert not numbers(at_once)
    assert numbers(logged) == [200, 404]


async def test_few_lines_wait_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST", 3)
    told = Lines(EVENT)
    with capture_logs() as logged:
        for number in range(3):
            told.tell(of, number)
        at_once = list(logged)
        await asyncio.sleep(0)
        told.tell(of, 3)

    assert not numbers(at_once)
    assert numbers(logged) == [0, 1, 2]
    told.flush()


async def test_many_lines_come_behind_what_was_to_be_done_before_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "MOST", 2)
    told, done = Lines(EVENT), list[int]()
    with capture_logs() as logged:
        for number in range(2):
            asyncio.get_running_loop().call_soon(lambda: done.append(len(numbers(logged))))
            told.tell(of, number)
        await asyncio.sleep(0)

    assert (done, numbers(logged)) == ([0, 0], [0, 1])


async def test_what_was_told_at_the_end_is_not_told_again() -> None:
    told = Lines(EVENT)
    with capture_logs() as logged:
        told.tell(of, 200)
        told.flush()
        told.tell(of, 404)
        await asyncio.sleep(0)
        told.flush()
        told.flush()

    assert numbers(logged) == [200, 404]
