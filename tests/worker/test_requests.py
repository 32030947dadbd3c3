import json
from dataclasses import replace

import pytest

from services.worker.requests import request_of
from services.worker.retry import settings_of
from services.worker.work import Execution, Job
from shared.schemas.queues import QueueSettings
from tests.conftest import VAULT


def a_job(attempt: int = 1, original: str = "", **asked: object) -> Job:
    spec = json.dumps({"url": "https://a.example/sync", **asked})
    settings = QueueSettings(timeout_seconds=7)
    place = ("s0", 3, "1", 42, "s:", "1-0")
    return Job(*place, attempt, 0, spec, intent="Kx3-1", original=original, settings=settings)


def an_execution(**asked: object) -> Execution:
    spec = json.dumps({"url": "https://a.example/ping", "method": "POST", "timeout_seconds": 9, **asked})
    place = ("s0", 3, "crons", 5, "s:", "1-0")
    return Execution(*place, 1, 1_760_000_000_000, spec, intent="Kx3-2", cron="8")


def test_a_jobs_payload_leaves_as_compact_json() -> None:
    outgoing = request_of(a_job(payload={"a": [], "b": 2**70, "ü": None}), VAULT)

    assert outgoing.body == '{"a":[],"b":1180591620717411303424,"ü":null}'.encode()
    assert outgoing.headers["Content-Type"] == "application/json"
    assert (outgoing.method, outgoing.timeout_seconds) == ("POST", 7.0)


def test_a_users_content_type_wins() -> None:
    outgoing = request_of(a_job(payload={}, headers={"content-type": "application/cloudevents+json"}), VAULT)

    assert outgoing.headers["content-type"] == "application/cloudevents+json"
    assert "Content-Type" not in outgoing.headers


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_body_that_was_given_leaves_whatever_the_method(method: str) -> None:
    outgoing = request_of(a_job(method=method, payload={"a": 1}), VAULT)

    assert (outgoing.body, outgoing.headers["Content-Type"]) == (b'{"a":1}', "application/json")


def test_a_request_without_a_body_names_no_content_type() -> None:
    outgoing = request_of(a_job(method="GET"), VAULT)

    assert outgoing.body is None
    assert "Content-Type" not in outgoing.headers


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("[1, 2]", "application/json"),
        ("a=1&b=ü", "text/plain; charset=utf-8"),
        ("", "text/plain; charset=utf-8"),
    ],
)
def test_a_jobs_raw_body_leaves_as_it_is(body: str, content_type: str) -> None:
    outgoing = request_of(a_job(body=body), VAULT)

    assert (outgoing.body, outgoing.headers["Content-Type"]) == (body.encode(), content_type)


def test_a_jobs_raw_body_has_the_content_type_it_was_given() -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    outgoing = request_of(a_job(body="a=1", headers=form), VAULT)

    assert (outgoing.body, outgoing.headers["Content-Type"]) == (b"a=1", form["Content-Type"])


def test_a_jobs_own_timeout_and_retries_go_before_its_queues() -> None:
    job = a_job(timeout_seconds=3, retry_delays=[5])

    assert request_of(job, VAULT).timeout_seconds == 3.0
    assert settings_of(job) == QueueSettings(timeout_seconds=7, retry_delays=(5,))
    assert settings_of(a_job()) == QueueSettings(timeout_seconds=7)


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
        request_of(a_job(attempt=2, original="40"), VAULT).headers,
    )

    assert (first["Recuro-Job-Id"], first["Recuro-Original-Job-Id"], first["Recuro-Attempt"]) == (
        "42",
        "42",
        "1",
    )
    assert (retry["Recuro-Original-Job-Id"], retry["Recuro-Attempt"]) == ("40", "2")
    assert first["Idempotency-Key"] == retry["Idempotency-Key"] == "Kx3-1"
    assert first["User-Agent"].startswith("Recuro/")


def test_an_execution_says_which_fire_it_is() -> None:
    headers = request_of(an_execution(), VAULT).headers

    assert (headers["Recuro-Cron-Id"], headers["Recuro-Scheduled-At"]) == ("8", "2025-10-09T08:53:20+00:00")
    assert headers["Idempotency-Key"] == "Kx3-2"


def test_what_the_caller_says_of_itself_goes_on_as_it_is() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    given = {"user-agent": "shop/2", "IDEMPOTENCY-KEY": "order-7", "Traceparent": trace, "tracestate": "a=1"}

    headers = request_of(a_job(headers=given), VAULT).headers

    assert {
        "User-Agent": "shop/2",
        "Idempotency-Key": "order-7",
        "traceparent": trace,
    }.items() <= headers.items()
    assert [name.lower() for name in headers].count("user-agent") == 1
    assert headers["tracestate"] == "a=1"


def test_attempts_of_a_job_are_spans_of_one_trace() -> None:
    first = request_of(a_job(), VAULT).headers["traceparent"].split("-")
    retry = request_of(a_job(attempt=2, original="40"), VAULT).headers["traceparent"].split("-")

    assert first[1] == retry[1]
    assert first[2] != retry[2]
    assert [len(part) for part in first] == [2, 32, 16, 2]


def test_what_was_stored_before_keys_were_drawn_keeps_one_along_its_attempts() -> None:
    first, retry = replace(a_job(), intent=""), replace(a_job(attempt=2, original="42"), id=43, intent="")

    assert first.idempotency_key == retry.idempotency_key == "j-3-42"
