"""What is wrong with a request as such."""

import pytest
from httpx import AsyncClient

JOB = b'{"queue":"mail","url":"https://example.com","payload":%s}'


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "EOF while parsing a value at line 1 column 0"),
        (b"{", "EOF while parsing an object at line 1 column 1"),
        (b"{'queue': 1}", "key must be a string at line 1 column 2"),
        (b'{"queue": "a",}', "trailing comma at line 1 column 15"),
        (b"{} {}", "trailing characters at line 1 column 4"),
        (b"\xff\xfe", "expected value at line 1 column 1"),
        (JOB % b'{"a":"\\ud800"}', "line 1 column"),
        (JOB % b'{"a":"\xff"}', "invalid unicode code point"),
        (JOB % b'{"a":NaN}', "NaN is no finite number"),
        (JOB % b'{"a":[-Infinity]}', "-Infinity is no finite number"),
        (JOB % b'{"a":1e999}', "1e999 is no finite number"),
        (JOB % (b'{"a":' + b"9" * 5000 + b"}"), "number out of range"),
        (JOB % (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"), "recursion limit exceeded"),
        (b'{"a":' * 100_000, "recursion limit exceeded"),
    ],
)
async def test_a_body_that_is_no_json_is_told_where(client: AsyncClient, body: bytes, where: str) -> None:
    answer = await client.post("/api/jobs", content=body)

    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]
    assert answer.json()["error"].startswith("The body is not valid JSON: ")
    assert where in answer.json()["error"]


async def test_nan_inside_a_string_is_text(client: AsyncClient) -> None:
    answer = await client.post("/api/jobs", content=JOB % b'{"a":"NaN, Infinity, 1e999"}')

    assert answer.status_code == 201


async def test_numbers_arrive_as_they_were_sent(client: AsyncClient) -> None:
    payload = {"big": 10**400, "small": 1.5e-300, "exponent": 1e300}
    body = {"queue": "mail", "url": "https://example.com", "payload": payload}

    answer = await client.post("/api/jobs", json=body)

    assert answer.status_code == 201
    assert (await client.get("/api/jobs/1")).json()["payload"] == payload


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"null", b"7", b"true"])
@pytest.mark.parametrize("path", ["/api/jobs", "/api/crons", "/api/queues"])
async def test_a_body_that_is_no_object_is_refused(client: AsyncClient, path: str, body: bytes) -> None:
    answer = await client.post(path, content=body)

    assert answer.status_code == 422
    assert answer.json()["errors"] == {"body": ["The body must be an object."]}


@pytest.mark.parametrize(
    ("call", "body", "errors"),
    [
        (
            "POST /api/dead-letters/replay",
            b"{}",
            {"body": ["The body must have either ids, or filters, or all: true."]},
        ),
        (
            "PUT /api/settings/limits",
            b'{"monthly_request_limit": 1, "soft_limit": 2}',
            {"body": ["The soft_limit field must not be above monthly_request_limit."]},
        ),
        (
            "POST /api/dead-letters/purge",
            b'{"ids": ["x"]}',
            {"ids.0": ["The ids.0 field must be an integer."]},
        ),
    ],
)
async def test_what_is_wrong_is_told_in_one_sentence(
    client: AsyncClient, call: str, body: bytes, errors: dict[str, list[str]]
) -> None:
    method, path = call.split()

    answer = await client.request(method, path, content=body)

    assert (answer.status_code, answer.json()["errors"]) == (422, errors)


@pytest.mark.parametrize("moment", ["2027-01-01T00:00:00", "2027-01-01", "soon", "", True, []])
async def test_what_is_no_moment_is_told_how_one_is_written(client: AsyncClient, moment: object) -> None:
    job = {"queue": "mail", "url": "https://example.com", "expires_at": moment}

    answer = await client.post("/api/jobs", json=job)

    said = "The expires_at field must be a moment with its offset, as in 2026-11-27T09:00:00Z."
    assert answer.json() == {"message": said, "errors": {"expires_at": [said]}}


async def test_any_content_type_is_read_as_json(client: AsyncClient) -> None:
    answer = await client.post("/api/jobs", content=JOB % b"null", headers={"Content-Type": "text/plain"})

    assert answer.status_code == 201


@pytest.mark.parametrize(
    "path",
    [
        "/api",
        "/api/",
        "/api/jobs/",
        "/api/nothing",
        "/api/jobs/1/2",
        "/api/crons/1/executions/",
        "/x%00",
    ],
)
async def test_an_unknown_path_is_not_found(client: AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "bad", ["0", "01", "-1", "1.0", "abc", "+1", "%31%0A", "9007199254740993", "9" * 400, "%D9%A1", "1%2F2"]
)
@pytest.mark.parametrize("noun", ["cron", "job", "queue"])
async def test_what_cannot_be_an_id_is_not_found(client: AsyncClient, noun: str, bad: str) -> None:
    answer = await client.get(f"/api/{noun}s/{bad}")

    assert answer.status_code == 404
    assert answer.json()["error"] in (f"{noun.capitalize()} not found", "Not found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/api/jobs", "GET, HEAD, POST"),
        ("PUT", "/api/jobs/1", "DELETE, GET, HEAD, PATCH"),
        ("POST", "/api/crons/1", "DELETE, GET, HEAD, PATCH, PUT"),
        ("GET", "/api/crons/1/run", "POST"),
        ("PUT", "/api/queues/1", "DELETE, GET, HEAD, PATCH"),
        ("POST", "/healthz", "GET, HEAD"),
        ("TRACE", "/api/jobs", "GET, HEAD, POST"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(
    client: AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await client.request(method, path)

    assert (answer.status_code, answer.json()) == (405, {"error": "Method not allowed"})
    assert answer.headers["allow"] == allowed


async def test_head_is_get_without_the_body(client: AsyncClient) -> None:
    answer = await client.head("/api/jobs")

    assert answer.status_code == 200
    assert answer.content == b""
