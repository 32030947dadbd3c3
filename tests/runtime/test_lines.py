"""The line of a request is told soon after its answer, and with those of others."""

import asyncio

import pytest
from structlog.testing import capture_logs

from shared.runtime import lines
from shared.runtime.lines import Lines
from tests.poll import until


async def test_a_line_comes_soon_and_by_itself() -> None:
    told = Lines("request")
    with capture_logs() as logged:
        told.tell(status=200)
        told.tell(status=404)
        at_once = list(logged)

        async def come() -> bool:
            return bool(logged)

        await until(come)

    assert not at_once
    assert [(line["event"], line["status"]) for line in logged] == [("request", 200), ("request", 404)]


async def test_no_more_wait_than_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MOST", 3)
    told = Lines("request")
    with capture_logs() as logged:
        for number in range(4):
            told.tell(number=number)

    assert [line["number"] for line in logged] == [0, 1, 2]
    told.flush()


async def test_what_was_told_at_the_end_is_not_told_again() -> None:
    told = Lines("request")
    with capture_logs() as logged:
        told.tell(status=200)
        told.flush()
        told.tell(status=404)
        await asyncio.sleep(0)
        told.flush()
        told.flush()

    assert [line["status"] for line in logged] == [200, 404]
