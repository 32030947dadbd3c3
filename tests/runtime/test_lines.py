"""The line of a request is told soon after its answer, and with those of others."""

import asyncio

import pytest
from structlog.testing import capture_logs

from shared.runtime import lines
from shared.runtime.lines import Lines
from tests.poll import until


def of(number: int) -> dict[str, object]:
    return {"number": number}


async def test_a_line_comes_soon_and_by_itself() -> None:
    told = Lines("request")
    with capture_logs() as logged:
        told.tell(of, 200)
        told.tell(of, 404)
        at_once = list(logged)

        async def come() -> bool:
            return bool(logged)

        await until(come)

    assert not at_once
    assert [(line["event"], line["number"]) for line in logged] == [("request", 200), ("request", 404)]


async def test_few_lines_wait_for_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST", 3)
    told = Lines("request")
    with capture_logs() as logged:
        for number in range(3):
            told.tell(of, number)
        at_once = list(logged)
        await asyncio.sleep(0)
        told.tell(of, 3)

    assert not at_once
    assert [line["number"] for line in logged] == [0, 1, 2]
    told.flush()


async def test_many_lines_come_behind_what_was_to_be_done_before_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "MOST", 2)
    told, done = Lines("request"), list[int]()
    with capture_logs() as logged:
        for number in range(2):
            asyncio.get_running_loop().call_soon(lambda: done.append(len(logged)))
            told.tell(of, number)
        await asyncio.sleep(0)

    assert (done, len(logged)) == ([0, 0], 2)


async def test_what_was_told_at_the_end_is_not_told_again() -> None:
    told = Lines("request")
    with capture_logs() as logged:
        told.tell(of, 200)
        told.flush()
        told.tell(of, 404)
        await asyncio.sleep(0)
        told.flush()
        told.flush()

    assert [line["number"] for line in logged] == [200, 404]
