import httpx
import pytest

QUEUE = {"name": "mail"}
CRON = {"name": "Tidy", "url": "https://example.com", "cron_expression": "0 0 1 1 *"}
GOOD = [
    {"type": "status_code_equals", "value": "204"},
    {"type": "json_path_equals", "path": "$.items[0]['a b']", "value": "true"},
    {"type": "header_equals", "name": "X-State", "value": ""},
]


@pytest.mark.parametrize(("path", "asked"), [("/api/queues", QUEUE), ("/api/crons", CRON)])
async def test_assertions_are_kept_as_given_and_changed(
    client: httpx.AsyncClient, path: str, asked: dict[str, object]
) -> None:
    made = await client.post(path, json={**asked, "success_assertions": GOOD})

    changed = await client.patch(f"{path}/1", json={"success_assertions": GOOD[:1]})

    assert made.json()["success_assertions"] == GOOD
    assert (
        changed.json()["success_assertions"] == (await client.get(f"{path}/1")).json()["success_assertions"]
    )
    assert changed.json()["success_assertions"] == GOOD[:1]


@pytest.mark.parametrize("path", ["/api/queues", "/api/crons"])
@pytest.mark.parametrize(
    ("assertion", "said"),
    [
        ({"type": "body_contains"}, "is required"),
        ({"value": "x"}, "must have a type"),
        ({"type": "body_is", "value": "x"}, "must have a type of 'status_code_equals'"),
        ({"type": "body_contains", "value": 3}, "must be a string"),
        ({"type": "body_contains", "value": ""}, "must not be empty"),
        ({"type": "body_contains", "value": "x" * 2049}, "at most 2048 characters"),
        ({"type": "body_contains", "value": "x", "path": "$"}, "is not known here"),
        ({"type": "body_matches", "value": "(x"}, "RE2 takes (missing )"),
        ({"type": "body_matches", "value": r"(a)\1"}, "RE2 takes (invalid escape sequence"),
        ({"type": "status_code_equals", "value": "404"}, "from 200 to 299"),
        ({"type": "response_time_under_ms", "value": "0"}, "from 1 to 300000"),
        ({"type": "response_time_under_ms", "value": "1.5"}, "from 1 to 300000"),
        ({"type": "json_path_equals", "path": "$..a", "value": "1"}, "a path such as"),
        ({"type": "json_path_equals", "path": "a", "value": "1"}, "a path such as"),
        ({"type": "json_path_equals", "path": "$[*]", "value": "1"}, "a path such as"),
        ({"type": "header_equals", "name": "X Y", "value": "1"}, "the name of a header"),
    ],
)
async def test_a_wrong_assertion_is_named(
    client: httpx.AsyncClient, path: str, assertion: dict[str, object], said: str
) -> None:
    asked = {**(QUEUE if path == "/api/queues" else CRON), "success_assertions": [assertion]}

    answer = await client.post(path, json=asked)

    assert answer.status_code == 422
    assert said in answer.json()["message"]
    place, _, field = next(iter(answer.json()["errors"])).removeprefix("success_assertions.").partition(".")
    assert (place, field in {"", "value", "path", "name"}) == ("0", True)


async def test_ten_are_the_most(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/queues", json={**QUEUE, "success_assertions": GOOD[:1] * 11})

    assert answer.status_code == 422
    assert "at most 10 items" in answer.json()["message"]
