"""Ids and log lines of requests, and the answer when something of ours breaks."""

from collections.abc import MutableMapping
from typing import Any

import pytest
from httpx import AsyncClient
from structlog.testing import capture_logs

from shared.actions import jobs
from tests.poll import until


@pytest.mark.parametrize(
    "given", ["a", "x" * 128, "Root=1-67891233-abcdef012345678912345678", "a/b+c=@~:._-"]
)
async def test_a_sane_request_id_comes_back(anonymous: AsyncClient, given: str) -> None:
    answer = await anonymous.get("/nowhere", headers={"X-Request-Id": given})

    assert answer.headers.get_list("x-request-id") == [given]


@pytest.mark.parametrize("given", [b"", b"x" * 129, b"two words", b'quote"', b"\xfc"])
async def test_any_other_request_id_is_replaced(anonymous: AsyncClient, given: bytes) -> None:
    answer = await anonymous.get("/healthz", headers={b"X-Request-Id": given})

    (made,) = answer.headers.get_list("x-request-id")
    assert len(made) == 32


async def test_every_request_has_one_line_without_secrets(client: AsyncClient, token: str) -> None:
    with capture_logs() as lines:
        await client.get("/api/queues/77?secret=of-mine", headers={"X-Request-Id": "line-1"})
        told = await until(lambda: _lines(lines, "request"))

    (line,) = told
    assert line.pop("duration_ms") > 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "route": "/api/queues/{queue_id}",
        "status": 404,
        "team": 1,
        "request_id": "line-1",
    }
    assert token not in repr(lines)


async def test_a_probe_that_goes_well_is_told_to_those_who_debug(anonymous: AsyncClient) -> None:
    with capture_logs() as lines:
        for path in ("/healthz", "/readyz"):
            await anonymous.get(path)
        told = await until(lambda: _lines(lines, "request"))

    assert {line["log_level"] for line in told} == {"debug"}


async def test_a_fault_of_ours_is_answered_without_a_traceback_and_logged(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(jobs, "get", broken)

    with capture_logs() as lines:
        answer = await client.get("/api/jobs/1", headers={"X-Request-Id": "broken-1"})
        (line,) = await until(lambda: _lines(lines, "request_failed"))

    assert (answer.status_code, answer.json()) == (500, {"error": "Internal error"})
    assert answer.headers["x-request-id"] == line["request_id"] == "broken-1"
    assert line["exc_info"]


async def _lines(lines: list[MutableMapping[str, Any]], event: str) -> list[MutableMapping[str, Any]]:
    return [line for line in lines if line["event"] == event]
