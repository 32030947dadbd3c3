"""/api/settings/redaction, and what is shown of what the rules name"""

import json
from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from shared.basics.redaction import REDACTED

PATH = "/api/settings/redaction"
RULES = ["headers.X-Session", "body.card.number"]
SHOWN = '{"card":{"number":"[redacted]"},"n":1}'
CRON = {
    "name": "pay",
    "url": "https://a.example/pay",
    "cron_expression": "0 0 1 1 *",
    "headers": {"X-Session": "canary-of-a-session"},
    "payload": '{"card":{"number":"4111-canary"},"n":1}',
    "redact": RULES,
}


async def made(client: AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.post("/api/crons", json=CRON | fields)
    assert answer.status_code == 201
    found: dict[str, Any] = answer.json()
    return found


async def spec_of(redis: Redis) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await redis.hget("r:{s0}:c:1:1", "spec") or "{}")  # type: ignore[misc]
    return found


async def test_a_team_has_no_rules_until_it_sets_some(client: AsyncClient) -> None:
    before = (await client.get(PATH)).json()

    answer = await client.put(PATH, json={"redact": RULES})

    assert before == {"redact": []}
    assert (answer.status_code, answer.json()) == (200, {"redact": RULES})
    assert (await client.get(PATH)).json() == {"redact": RULES}


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (["card"], "must hold rules as headers.X-Session, body.card.number or body, not 'card'"),
        (["headers.a b"], "must name a header as headers.X-Session, not as 'headers.a b'"),
        (
            ["headers.Idempotency-Key"],
            "must not name Idempotency-Key, by which Recuro knows what a request is",
        ),
        (["body.a"] * 21, "20"),
    ],
)
@pytest.mark.parametrize("where", ["team", "queue", "cron"])
async def test_what_is_no_rule_is_refused_with_its_field(
    client: AsyncClient, where: str, rules: list[str], said: str
) -> None:
    bodies: dict[str, Any] = {"team": {}, "queue": {"name": "mail"}, "cron": CRON}
    paths = {"team": PATH, "queue": "/api/queues", "cron": "/api/crons"}

    method = "PUT" if where == "team" else "POST"
    answer = await client.request(method, paths[where], json=bodies[where] | {"redact": rules})

    assert answer.status_code == 422
    assert said in answer.json()["message"]
    assert next(iter(answer.json()["errors"])).startswith("redact")


async def test_rules_of_the_team_are_told_to_all_of_its_queues(client: AsyncClient, redis: Redis) -> None:
    for number in range(3):
        await client.post("/api/queues", json={"name": f"q{number}"})

    await client.put(PATH, json={"redact": RULES})
    told = [await redis.hget(f"r:{{s0}}:q:1:{n}", "redact_of_team") for n in (1, 2, 3)]  # type: ignore[misc]
    await client.put(PATH, json={"redact": []})
    later = [await redis.hget(f"r:{{s0}}:q:1:{n}", "redact_of_team") for n in (1, 2, 3)]  # type: ignore[misc]

    assert [json.loads(text or "") for text in told] == [RULES] * 3
    assert later == [None] * 3


async def test_a_write_that_is_repeated_tells_queues_that_were_not_told(
    client: AsyncClient, redis: Redis
) -> None:
    key = {"Idempotency-Key": "the-rules"}
    await client.post("/api/queues", json={"name": "mail"})
    await client.put(PATH, json={"redact": RULES}, headers=key)
    await redis.hdel("r:{s0}:q:1:1", "redact_of_team")  # type: ignore[misc]  # as if it had ended half-way

    again = await client.put(PATH, json={"redact": RULES}, headers=key)

    assert again.status_code == 200
    assert await redis.hget("r:{s0}:q:1:1", "redact_of_team")  # type: ignore[misc]


async def test_a_queue_shows_its_rules_and_only_given_fields_change(client: AsyncClient) -> None:
    await client.post("/api/queues", json={"name": "mail", "redact": RULES})

    await client.patch("/api/queues/1", json={"weight": 3})

    assert (await client.get("/api/queues/1")).json()["redact"] == RULES


async def test_a_cron_is_shown_without_what_its_rules_name(client: AsyncClient, redis: Redis) -> None:
    cron = await made(client)

    listed = (await client.get("/api/crons")).json()["data"][0]
    trail = (await client.get("/api/audit")).text

    assert (cron["payload"], cron["headers"]) == (SHOWN, {"X-Session": REDACTED})
    assert (listed["payload"], listed["headers"]) == (SHOWN, {"X-Session": REDACTED})
    assert "canary" not in trail + json.dumps(await spec_of(redis))


async def test_what_was_read_may_be_sent_back_and_changes_nothing(client: AsyncClient, redis: Redis) -> None:
    await made(client)
    before = await spec_of(redis)

    change = {"payload": SHOWN, "headers": {"X-Session": REDACTED}, "name": "pay more"}
    answer = await client.patch("/api/crons/1", json=change)

    assert answer.status_code == 200
    assert await spec_of(redis) == before | {"name": "pay more"}


async def test_a_mark_stands_for_nothing_else(client: AsyncClient) -> None:
    await made(client)

    answer = await client.patch("/api/crons/1", json={"payload": SHOWN.replace("1}", "2}")})

    assert answer.status_code == 422
    assert answer.json()["errors"] == {
        "payload": ["The payload field has [redacted], which stands for what is not shown: give it whole."]
    }


async def test_without_its_rules_a_cron_still_does_not_show_what_was_not_shown(
    client: AsyncClient, redis: Redis
) -> None:
    """Who may change a cron could read all of it otherwise."""
    await made(client)
    sealed = (await spec_of(redis))["sealed"]

    answer = await client.patch("/api/crons/1", json={"redact": []})

    assert (answer.json()["payload"], answer.json()["headers"]) == (SHOWN, {"X-Session": REDACTED})
    assert (await spec_of(redis))["sealed"] == sealed


async def test_what_is_not_shown_is_not_sent_to_another_host(client: AsyncClient, redis: Redis) -> None:
    await made(client)

    refused = await client.patch("/api/crons/1", json={"url": "https://b.example/mine"})
    moved = await client.patch("/api/crons/1", json={"url": "https://b.example/mine", "payload": '{"n":2}'})

    assert refused.status_code == 422
    assert list(refused.json()["errors"]) == ["payload"]
    assert (moved.json()["payload"], moved.json()["headers"]) == ('{"n":2}', None)
    assert "X-Session was kept for the URL before" in moved.json()["warnings"][0]
    assert "sealed" not in await spec_of(redis)


@pytest.mark.parametrize(("payload", "shown"), [('{"card":{"number":"5"}}', True), (None, False)])
async def test_a_new_body_takes_the_place_of_what_was_sealed(
    client: AsyncClient, redis: Redis, payload: str | None, shown: bool
) -> None:
    await made(client)
    before = (await spec_of(redis))["sealed"]

    answer = await client.patch("/api/crons/1", json={"payload": payload})

    assert answer.json()["payload"] == ('{"card":{"number":"[redacted]"}}' if shown else None)
    assert (await spec_of(redis)).get("sealed") != before


async def test_rules_that_come_later_leave_out_of_a_cron_what_they_name(
    client: AsyncClient, redis: Redis
) -> None:
    await made(client, redact=[])
    await client.put(PATH, json={"redact": RULES})

    before = (await client.get("/api/crons/1")).json()["payload"]
    after = (await client.patch("/api/crons/1", json={"name": "pay more"})).json()["payload"]

    assert (before, after) == (CRON["payload"], SHOWN)
    assert "canary" not in json.dumps(await spec_of(redis))


async def test_a_list_of_jobs_and_a_search_know_only_what_is_shown(client: AsyncClient) -> None:
    await client.post("/api/queues", json={"name": "mail", "redact": RULES})
    job = {
        "queue": "mail",
        "url": "https://a.example/",
        "payload": {"card": {"number": "4111-canary"}, "n": 1},
    }
    await client.post("/api/jobs", json=job)

    listed = (await client.get("/api/jobs")).json()["data"][0]
    guessed = (await client.get("/api/jobs", params={"q": "payload.card.number:4111-canary"})).json()
    known = (await client.get("/api/jobs", params={"q": "payload.n:1"})).json()

    assert listed["payload"] == {"card": {"number": REDACTED}, "n": 1}
    assert (guessed["total"], known["total"]) == (0, 1)


@pytest.mark.parametrize("filler", [100, 6000, 40_000])
async def test_a_long_body_is_shown_in_lists_without_it(client: AsyncClient, filler: int) -> None:
    await client.post("/api/queues", json={"name": "mail", "redact": ["body.**.pin"]})
    payload = {"a": {"pin": "canary-of-a-pin"}, "filler": "." * filler, "z": {"pin": "canary-of-a-pin"}}
    await client.post("/api/jobs", json={"queue": "mail", "url": "https://a.example/", "payload": payload})

    one, listed = (await client.get("/api/jobs/1")).json(), (await client.get("/api/jobs")).json()["data"][0]

    assert one["payload"] == {"a": {"pin": REDACTED}, "filler": "." * filler, "z": {"pin": REDACTED}}
    assert "canary" not in json.dumps(listed)
    assert listed["payload"]["a"] == {"pin": REDACTED}
    assert listed.get("cut", []) == (["payload"] if filler > 1000 else [])
