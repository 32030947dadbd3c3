import json

import pytest

from services.worker.requests import request_of
from services.worker.work import Work
from shared.schemas.queues import QueueSettings
from tests.conftest import VAULT


def a_job(attempt: int = 1, origin: str = "", **asked: object) -> Work:
    spec = json.dumps({"url": "https://a.example/sync", **asked})
    settings = QueueSettings(timeout_seconds=7)
    return Work("s0", "j", 3, "1", 42, "s:", "1-0", attempt, origin, 0, spec, settings)


def an_execution(**asked: object) -> Work:
    spec = json.dumps({"url": "https://a.example/ping", "method": "POST", "timeout_seconds": 9, **asked})
    return Work("s0", "e", 3, "crons", 5, "s:", "1-0", 1, "8", 1_760_000_000_000, spec, None)


def test_a_jobs_payload_leaves_as_compact_json() -> None:
    outgoing = request_of(a_job(payload={"a": [], "b": 2**70, "ü": None}), VAULT)

    assert outgoing.body == '{"a":[],"b":1180591620717411303424,"ü":null}'.encode()
    assert outgoing.headers["Content-Type"] == "application/json"
    assert (outgoing.method, outgoing.timeout_seconds) == ("POST", 7.0)


def test_a_users_content_type_wins() -> None:
    outgoing = request_of(a_job(payload={}, headers={"content-type": "application/cloudevents+json"}), VAULT)

    assert outgoing.headers["content-type"] == "application/cloudevents+json"
    assert "Content-Type" not in outgoing.headers


def test_a_get_has_no_body() -> None:
    outgoing = request_of(a_job(method="GET", payload={"a": 1}), VAULT)

    assert outgoing.body is None
    assert "Content-Type" not in outgoing.headers


@pytest.mark.parametrize(
    ("payload", "content_type"),
    [('{"a": 1}', "application/json"), ("a=1&b=2", "text/plain; charset=utf-8")],
)
def test_a_crons_payload_leaves_as_it_is(payload: str, content_type: str) -> None:
    outgoing = request_of(an_execution(payload=payload), VAULT)

    assert (outgoing.body, outgoing.headers["Content-Type"]) == (payload.encode(), content_type)


def test_a_job_says_which_it_is() -> None:
    first, retry = (
        request_of(a_job(), VAULT).headers,
        request_of(a_job(attempt=2, origin="40"), VAULT).headers,
    )

    assert (first["Recuro-Job-Id"], first["Recuro-Original-Job-Id"], first["Recuro-Attempt"]) == (
        "42",
        "42",
        "1",
    )
    assert (retry["Recuro-Original-Job-Id"], retry["Recuro-Attempt"]) == ("40", "2")
    assert first["Idempotency-Key"] == "job-3-42"
    assert first["User-Agent"].startswith("Recuro/")


def test_an_execution_says_which_fire_it_is() -> None:
    headers = request_of(an_execution(), VAULT).headers

    assert (headers["Recuro-Cron-Id"], headers["Recuro-Scheduled-At"]) == ("8", "2025-10-09T08:53:20+00:00")
    assert headers["Idempotency-Key"] == "execution-3-5"
