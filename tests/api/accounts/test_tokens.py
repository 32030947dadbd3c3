"""/api/tokens: made, shown once, limited, changed, regenerated and ended."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from shared.basics import token_text
from shared.security import tokens
from shared.store import account_keys, keyspace, transitions
from tests import people
from tests.api import described
from tests.poll import until
from tests.writes import CRON, JOB

NEW = {"name": "reports", "scopes": ["write"]}
CLOSED = {
    "name": "closed",
    "scopes": ["admin"],
    "hosts": ["*.example.com"],
    "queues": ["mail-*"],
    "may_delete": False,
}


@pytest.fixture
async def other(api: str) -> AsyncIterator[AsyncClient]:
    """A client whose token each test gives it."""
    async with AsyncClient(
        base_url=api, timeout=30, verify=False, event_hooks={"response": [described.check]}
    ) as client:
        yield client


async def made(client: AsyncClient, **given: Any) -> dict[str, Any]:
    answer = await client.post("/api/tokens", json={**NEW, **given})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def with_token(client: AsyncClient, other: AsyncClient, **given: Any) -> dict[str, Any]:
    """A token, with which the other client calls from now on."""
    token = await made(client, **given)
    other.headers["Authorization"] = f"Bearer {token['token']}"
    return token


async def test_a_token_is_shown_once_and_works(client: AsyncClient, other: AsyncClient, redis: Redis) -> None:
    token = await with_token(client, other, name="  reports ")

    shown = (await client.get(f"/api/tokens/{token['id']}")).json()
    used = await other.post("/api/jobs", json=JOB)

    assert token_text.is_random(token["token"])
    assert not token_text.is_mistyped(token["token"])
    assert token["name"] == "reports"
    assert token["last_four"] == token["token"][-4:]
    assert (token["created_by"], token["fingerprint"]) == ("test", tokens.digest_of(token["token"])[:12])
    assert {**shown, "token": token["token"]} == token
    assert used.status_code == 201
    everything = [await redis.dump(key) for key in await redis.keys("*")]
    assert not any(token["token"].encode() in kept for kept in everything)


async def test_ids_count_in_the_team_and_mean_nothing_in_another(
    client: AsyncClient, stranger: AsyncClient
) -> None:
    token = await made(client)

    listed = (await stranger.get("/api/tokens")).json()
    answers = [
        await stranger.get(f"/api/tokens/{token['id']}"),
        await stranger.patch(f"/api/tokens/{token['id']}", json={"name": "mine"}),
        await stranger.post(f"/api/tokens/{token['id']}/regenerate"),
        await stranger.delete(f"/api/tokens/{token['id']}"),
    ]

    assert token["id"] == 2
    assert [one["name"] for one in listed["data"]] == ["test"]
    assert {(one.status_code, one.json()["error"]) for one in answers} == {(404, "Token not found")}


async def test_tokens_are_listed_newest_first_page_by_page(client: AsyncClient) -> None:
    for number in range(3):
        await made(client, name=f"reports {number}")

    page = (await client.get("/api/tokens", params={"per_page": 2})).json()
    last = (await client.get("/api/tokens", params={"per_page": 2, "page": 2})).json()
    found = (await client.get("/api/tokens", params={"search": "reports 1"})).json()

    assert [one["id"] for one in page["data"] + last["data"]] == [4, 3, 2, 1]
    assert (page["total"], page["last_page"]) == (4, 2)
    assert [one["name"] for one in found["data"]] == ["reports 1"]


async def test_a_name_is_unique_in_the_team(client: AsyncClient, stranger: AsyncClient) -> None:
    token = await made(client)
    second = await made(client, name="second")

    taken = await client.post("/api/tokens", json={**NEW, "name": " reports"})
    renamed = await client.patch(f"/api/tokens/{second['id']}", json={"name": "reports"})
    same = await client.patch(f"/api/tokens/{token['id']}", json={"name": "reports"})

    assert (taken.status_code, renamed.status_code, same.status_code) == (422, 422, 200)
    assert "must be unique" in taken.json()["errors"]["name"][0]
    assert (await made(stranger))["name"] == "reports"


async def test_a_team_has_so_many_tokens_and_no_more(
    client: AsyncClient, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await redis.hset(  # type: ignore[misc]
        f"{keyspace.prefix(keyspace.GLOBAL)}tokens:1",
        mapping={str(number + 100): f"none-{number}" for number in range(transitions.MOST_TOKENS)},
    )

    full = await client.post("/api/tokens", json=NEW)

    assert full.status_code == 422
    assert "no room" in full.json()["message"]
    await tokens.create(redis, team="one", name="bootstrap", scopes=("admin",), token="a-token-of-the-start")


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", " ", "must not be empty"),
        ("scopes", [], "at least 1 item"),
        ("scopes", ["owner"], "must be one of"),
        ("hosts", ["*"], "must be a host as"),
        ("hosts", [], "at least 1 item"),
        ("queues", [""], "must not be empty"),
        ("calls_per_hour", 0, "at least 1"),
        ("runs_per_day", True, "must be an integer"),
        ("min_interval_seconds", 0, "at least 1"),
        ("expires_at", 7, "must be a moment"),
        ("expires_at", "2020-01-01T00:00:00Z", "must be later than now"),
        ("host", ["a.example"], "did you mean hosts?"),
    ],
)
async def test_a_wrong_field_is_named_with_the_remedy(
    client: AsyncClient, field: str, value: Any, sentence: str
) -> None:
    answer = await client.post("/api/tokens", json={**NEW, field: value})

    assert answer.status_code == 422
    assert any(sentence in one for found in answer.json()["errors"].values() for one in found), answer.text
    assert next(iter(answer.json()["errors"])).startswith(field)


async def test_only_given_fields_change_and_null_clears(client: AsyncClient) -> None:
    token = await made(client, hosts=["a.example"], calls_per_hour=7)

    changed = (
        await client.patch(f"/api/tokens/{token['id']}", json={"hosts": None, "may_delete": False})
    ).json()

    del token["token"]
    assert changed == {**token, "hosts": None, "may_delete": False}


async def test_a_regenerated_token_keeps_its_id_and_limits_and_the_one_before_ends(
    client: AsyncClient, other: AsyncClient, anonymous: AsyncClient
) -> None:
    before = await made(client, queues=["mail"], calls_per_day=9)

    after = (await client.post(f"/api/tokens/{before['id']}/regenerate")).json()

    assert after["token"] != before["token"]
    new = {name: after[name] for name in ("token", "last_four", "fingerprint")}
    assert {**before, **new} == after
    for token, status in ((before["token"], 401), (after["token"], 200)):
        answer = await other.get("/api/jobs", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status


async def test_counts_outlive_a_regeneration(client: AsyncClient, other: AsyncClient) -> None:
    token = await with_token(client, other, calls_per_day=1)
    await other.get("/api/jobs")

    again = (await client.post(f"/api/tokens/{token['id']}/regenerate")).json()

    other.headers["Authorization"] = f"Bearer {again['token']}"
    assert (await other.get("/api/jobs")).status_code == 429


async def test_a_deleted_token_ends_with_all_that_was_kept_of_it(
    client: AsyncClient, other: AsyncClient, redis: Redis
) -> None:
    token = await made(client, calls_per_day=9)

    deleted = await client.delete(f"/api/tokens/{token['id']}")

    other.headers["Authorization"] = f"Bearer {token['token']}"
    assert deleted.json() == {"deleted": True, "id": token["id"]}
    assert (await other.get("/api/jobs")).json()["error"] == "Invalid authorization token"
    assert (await client.get(f"/api/tokens/{token['id']}")).status_code == 404
    assert not await redis.keys(f"*{tokens.digest_of(token['token'])}*")


async def test_what_was_done_to_tokens_stands_in_the_audit_trail_without_them(client: AsyncClient) -> None:
    token = await made(client, hosts=["a.example"])
    await client.patch(f"/api/tokens/{token['id']}", json={"calls_per_hour": 5})
    again = (await client.post(f"/api/tokens/{token['id']}/regenerate")).json()
    await client.delete(f"/api/tokens/{token['id']}")

    answer = await client.get("/api/audit", params={"about": f"token:{token['id']}"})

    lines = answer.json()["data"]
    assert [line["operation"] for line in lines] == [
        *("delete-token", "regenerate-token", "update-token", "create-token")
    ]
    assert lines[2]["changes"] == {"calls_per_hour": {"before": None, "after": 5}}
    assert lines[3]["changes"]["hosts"] == {"before": None, "after": ["a.example"]}
    assert lines[0]["changes"]["name"] == {"before": "reports", "after": None}
    assert token["token"] not in answer.text
    assert again["token"] not in answer.text


@pytest.mark.parametrize(
    "given", [{"scopes": ["admin"]}, {**CLOSED, "hosts": None}, {**CLOSED, "queues": ["*"]}]
)
async def test_a_limited_admin_makes_and_takes_over_no_token_that_may_more(
    client: AsyncClient, other: AsyncClient, given: dict[str, Any]
) -> None:
    wider = await made(client, **{**given, "name": "wider"})
    own = await with_token(client, other, **CLOSED)

    answers = [
        await other.post("/api/tokens", json={**NEW, **given, "name": "another"}),
        await other.patch(f"/api/tokens/{own['id']}", json={"hosts": None}),
        await other.patch(f"/api/tokens/{wider['id']}", json={"name": "renamed"}),
        await other.post(f"/api/tokens/{wider['id']}/regenerate"),
    ]

    assert [one.status_code for one in answers] == [403] * 4
    assert all("more than it has itself" in one.json()["error"] for one in answers)
    assert (await other.post("/api/tokens", json={**CLOSED, "name": "same"})).status_code == 201


async def test_a_token_that_is_counted_makes_none_that_would_be_counted_anew(
    client: AsyncClient, other: AsyncClient
) -> None:
    own = await with_token(client, other, scopes=["admin"], runs_per_day=5)

    answers = [
        await other.post("/api/tokens", json={**NEW, "name": "another", "runs_per_day": 1}),
        await other.post(f"/api/tokens/{own['id']}/regenerate"),
    ]

    assert [one.status_code for one in answers] == [403, 403]
    assert all("cannot make or regenerate tokens" in one.json()["error"] for one in answers)


async def test_a_key_of_another_token_shows_a_limited_one_no_secret(
    client: AsyncClient, other: AsyncClient
) -> None:
    key = {"Idempotency-Key": "nightly"}
    await client.post("/api/tokens", json=NEW, headers=key)
    wider = await made(client, name="wider")
    await client.post(f"/api/tokens/{wider['id']}/regenerate", headers=key | {"Idempotency-Key": "again"})
    await with_token(client, other, **CLOSED)

    answers = [
        await other.post("/api/tokens", json=NEW, headers=key),
        await other.post(f"/api/tokens/{wider['id']}/regenerate", headers={"Idempotency-Key": "again"}),
    ]

    assert [one.status_code for one in answers] == [403, 403]


async def test_the_last_use_is_noted_beside_the_call(client: AsyncClient, other: AsyncClient) -> None:
    token = await with_token(client, other)
    await other.get("/api/jobs")

    async def shown() -> Any:
        return (await client.get(f"/api/tokens/{token['id']}")).json()

    async def is_noted() -> bool:
        return (await shown())["last_used_at"] is not None

    await until(is_noted)
    found = await shown()
    assert (found["last_used_by"], found["last_used_from"]) == ("rest", "127.0.0.1")


async def test_refusals_are_counted_by_their_reason(client: AsyncClient, other: AsyncClient) -> None:
    token = await with_token(client, other, hosts=["b.example"], calls_per_day=4)
    await other.get("/api/audit")
    for _ in range(2):
        await other.post("/api/jobs", json=JOB)
    await other.get("/api/jobs")

    async def counted() -> bool:
        found = (await client.get(f"/api/tokens/{token['id']}")).json()["refused"]
        return bool(found == {"scope": 1, "hosts": 2})

    await until(counted)


async def test_an_expired_token_is_told_so(client: AsyncClient, other: AsyncClient, redis: Redis) -> None:
    token = await with_token(client, other, expires_at="2999-01-01T00:00:00Z")
    await redis.set(keyspace.correction(keyspace.SHARDS[0]), 40_000 * 86_400_000_0)

    answer = await other.get("/api/jobs")

    assert token["expires_at"] == "2999-01-01T00:00:00+00:00"
    assert (answer.status_code, answer.json()["error"]) == (401, "The token has expired")
    assert answer.json()["message"].startswith("Use another one.")


async def test_tokens_of_earlier_versions_get_ids_when_they_are_listed(
    client: AsyncClient, other: AsyncClient, redis: Redis
) -> None:
    old = "rc_" + "o" * 43
    fields = {"team": 1, "name": "old", "scopes": "write", "created": 1_700_000_000_000}
    await redis.hset(account_keys.token(tokens.digest_of(old)), mapping=fields)  # type: ignore[misc]
    other.headers["Authorization"] = f"Bearer {old}"

    used = await other.post("/api/jobs", json=JOB)
    listed = (await client.get("/api/tokens")).json()["data"]
    changed = await client.patch(f"/api/tokens/{listed[0]['id']}", json={"calls_per_day": 1})

    assert used.status_code == 201
    assert [(one["name"], one["id"]) for one in listed] == [("old", 2), ("test", 1)]
    assert (listed[0]["last_four"], listed[0]["created_by"]) == ("", "")
    assert changed.json()["calls_per_day"] == 1


async def test_limits_that_cannot_be_read_are_not_taken_for_none(
    client: AsyncClient, other: AsyncClient, redis: Redis
) -> None:
    token = await with_token(client, other)
    key = account_keys.token(tokens.digest_of(token["token"]))
    await redis.hset(key, "limits", '{"planets": ["mars"]}')  # type: ignore[misc]

    answer = await other.get("/api/jobs")

    assert (answer.status_code, answer.json()["error"]) == (409, "Record damaged")
    assert [one["id"] for one in (await client.get("/api/tokens")).json()["data"]] == [1]
    assert (await client.delete(f"/api/tokens/{token['id']}")).status_code == 200


async def test_calls_are_counted_and_every_answer_says_what_is_left(
    client: AsyncClient, other: AsyncClient
) -> None:
    await with_token(client, other, calls_per_hour=3, runs_per_day=9)

    answers = [
        await other.get("/api/jobs"),
        await other.post("/api/jobs", json={}),
        await other.get("/api/jobs/7"),
        await other.get("/api/jobs"),
    ]

    assert [one.status_code for one in answers] == [200, 422, 404, 429]
    policy = '"calls-hour";q=3;w=3600, "runs-day";q=9;w=86400'
    assert {one.headers["RateLimit-Policy"] for one in answers} == {policy}
    assert [one.headers["RateLimit"].partition(";t=")[0] for one in answers] == [
        f'"calls-hour";r={left}' for left in (2, 1, 0, 0)
    ]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 3600
    assert answers[-1].json()["error"] == "The token has made its 3 calls an hour"
    assert answers[-1].json()["message"].startswith("Wait ")
    assert "RateLimit" not in (await client.get("/api/jobs")).headers


async def test_runs_beyond_the_limit_make_nothing_and_repeats_count_once(
    client: AsyncClient, other: AsyncClient
) -> None:
    await client.post("/api/crons", json=CRON)
    await with_token(client, other, runs_per_hour=5)
    key = {"Idempotency-Key": "order-7"}

    three = await other.post("/api/jobs/batch", json={"jobs": [JOB, {}, JOB, JOB]}, headers=key)
    again = await other.post("/api/jobs/batch", json={"jobs": [JOB, {}, JOB, JOB]}, headers=key)
    beyond = await other.post("/api/jobs/batch", json={"jobs": [JOB] * 3})
    run = await other.post("/api/crons/1/run")
    last = await other.post("/api/jobs", json=JOB)
    none = await other.post("/api/jobs", json=JOB)

    assert [one.status_code for one in (three, again, beyond, run, last, none)] == [
        200,
        200,
        429,
        202,
        201,
        429,
    ]
    assert (await client.get("/api/jobs")).json()["total"] == 4
    assert "2 of them are left, and this would be 3" in beyond.json()["error"]
    assert last.headers["RateLimit"].startswith('"runs-hour";r=0;')


async def test_windows_begin_anew_by_the_clock_of_the_installation(
    client: AsyncClient, other: AsyncClient, redis: Redis
) -> None:
    await with_token(client, other, calls_per_hour=1)
    await other.get("/api/jobs")
    beyond = await other.get("/api/jobs")

    await redis.set(keyspace.correction(keyspace.SHARDS[0]), 3_600_000)

    assert beyond.status_code == 429
    assert (await other.get("/api/jobs")).status_code == 200


async def test_a_token_without_counted_limits_costs_no_count(
    client: AsyncClient, other: AsyncClient, redis: Redis
) -> None:
    token = await with_token(client, other, hosts=["a.example"])

    await other.post("/api/jobs", json=JOB)

    noted = await redis.hkeys(account_keys.use(tokens.digest_of(token["token"])))  # type: ignore[misc]
    assert not [name for name in noted if name.startswith("count:")]


async def test_what_one_user_did_under_a_key_is_answered_to_no_other(
    client: AsyncClient, other: AsyncClient, redis: Redis
) -> None:
    await people.join(redis, "one", 2)
    await client.patch("/api/members/2", json={"role": "admin"})
    operator = (await client.post("/api/tokens", json=NEW, headers={"Idempotency-Key": "ci"})).json()
    own = await with_token(client, other, name="own", scopes=["admin"])
    digest = tokens.digest_of(own["token"])
    await redis.hset(account_keys.token(digest), "user", "2")  # type: ignore[misc]

    answer = await other.post("/api/tokens", json=NEW, headers={"Idempotency-Key": "ci"})

    assert answer.status_code == 409
    assert operator["token"] not in answer.text
