"""Changed requests of which not all is kept: what is sealed goes where it was given for, and nothing is kept in the clear."""

from collections.abc import Iterable

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.scheduler.replay import step
from services.worker.work import Dead
from shared.actions import dead_letters, jobs
from shared.actions.redaction import of_queues
from shared.actions.redrive import changing
from shared.schemas.dead_letters import ReplayChange
from shared.schemas.jobs import JobCreate
from shared.store import transitions
from shared.store.keyspace import Team
from tests import dead
from tests.calls import call_of
from tests.redrive.replaying import begun, run
from tests.redrive.test_changes import sent

PATH = "/api/dead-letters/replay"
CARD = {"card": {"number": "4111-old"}, "n": 1}
NEW = {"card": {"number": "4242-new"}, "n": 2}
SENT, NEW_SENT = b'{"card":{"number":"4111-old"},"n":1}', b'{"card":{"number":"4242-new"},"n":2}'


async def redacted(client: AsyncClient, redis: Redis, team: Team) -> int:
    """A dead letter of a queue that keeps no card number and no session."""
    await client.post(
        "/api/queues", json={"name": "mail", "redact": ["body.card.number", "headers.X-Session"]}
    )
    job = JobCreate.model_validate({"queue": "mail", "url": "https://a.example/pay", "payload": CARD})
    (made,) = await jobs.create_many(call_of(redis, team), [job], now_ms=dead.NOON)
    await dead.end_all(redis, Dead())
    return made.id


async def kept(redis: Redis) -> str:
    """All that is kept of requests and of changes."""
    names = [name async for name in redis.scan_iter("*") if ":b:" in name or ":replay_change:" in name]
    return repr([await redis.get(name) for name in names])


@pytest.mark.parametrize("how", [{}, {"rate": 5}])
async def test_another_body_is_sent_instead_of_the_one_that_was_sealed(
    client: AsyncClient, redis: Redis, team: Team, how: dict[str, int]
) -> None:
    old = await redacted(client, redis, team)
    before = (await client.get(f"/api/jobs/{old}")).json()["idempotency_key"]

    await client.post(PATH, json={"ids": [old], "change": {"payload": {"n": 3} if how else NEW}, **how})
    await step(redis, team.shard)

    (request,) = await sent(redis)
    assert request.body == (b'{"n":3}' if how else NEW_SENT)
    assert request.headers["Idempotency-Key"] != before


async def test_what_is_sealed_goes_to_no_other_host(client: AsyncClient, redis: Redis, team: Team) -> None:
    old = await redacted(client, redis, team)
    change = ReplayChange.model_validate({"origin": "https://b.example"})

    done = await dead_letters.replay_now(call_of(redis, team), [old], change=change)

    assert [one.reason for one in done.skipped] == [changing.SEALED_BODY]
    assert await sent(redis) == []


async def test_what_rules_name_is_not_kept_of_a_change(client: AsyncClient, redis: Redis, team: Team) -> None:
    old = await redacted(client, redis, team)
    change = {"payload": NEW, "headers": {"X-Session": "canary"}}

    answer = await client.post(PATH, json={"ids": [old], "change": change})

    assert answer.status_code == 200
    assert not [secret for secret in ("4242-new", "canary") if secret in await kept(redis)]
    (request,) = await sent(redis)
    assert (request.body, request.headers["X-Session"]) == (NEW_SENT, "canary")


async def test_what_rules_name_is_refused_in_the_background_and_in_its_dry_run(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await redacted(client, redis, team)

    for change in ({"payload": NEW}, {"headers": {"X-Session": "canary"}}):
        for how in ({}, {"dry_run": True}):
            answer = await client.post(PATH, json={"all": True, "change": change, **how})
            assert (answer.status_code, [*answer.json()["errors"]]) == (422, ["change"])

    assert not [secret for secret in ("4242-new", "canary") if secret in await kept(redis)]


async def test_marks_of_what_is_not_shown_are_no_body(client: AsyncClient, redis: Redis, team: Team) -> None:
    old = await redacted(client, redis, team)
    seen = (await client.get(f"/api/jobs/{old}")).json()["payload"]

    answer = await client.post(PATH, json={"ids": [old], "change": {"payload": seen}})

    assert [one["reason"] for one in answer.json()["skipped"]] == [changing.MARKED_BODY]


async def test_a_sealed_body_goes_along_with_what_is_changed_beside_it(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    old = await redacted(client, redis, team)

    await client.post(
        PATH, json={"ids": [old], "change": {"method": "PUT", "url": "https://a.example/other"}}
    )

    (request,) = await sent(redis)
    assert (request.method, request.url, request.body) == ("PUT", "https://a.example/other", SENT)


SESSION = {"headers": {"X-Session": "canary"}}
RULE = {"redact": ["headers.X-Session"]}


async def test_a_rule_that_comes_while_a_replay_goes_on_holds_from_its_next_step_on(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    ids = await dead.dead_letters(redis, team, 3)
    replay, began = await begun(redis, team, rate=1, change=SESSION)
    await step(redis, team.shard, began)

    await client.patch("/api/queues/1", json=RULE)
    await run(redis, began)

    done = (await client.get(f"{PATH}s/{replay}")).json()
    assert (done["state"], done["replayed"], done["skipped"]) == ("finished", 1, 2)
    assert [request.headers["X-Session"] for request in await sent(redis)] == ["canary"]
    left = [(await client.get(f"/api/jobs/{one}")).json()["final_status"] for one in ids[1:]]
    assert left == ["dead_lettered", "dead_lettered"]


async def test_a_rule_that_comes_between_the_look_and_the_step_holds_in_that(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await dead.dead_letters(redis, team, 1)
    replay, began = await begun(redis, team, rate=5, change=SESSION)
    text, (peeked,) = await transitions.peek_replay(
        redis, team, replay=str(replay), most=1, most_bytes=10_000
    )
    assert text
    made = changing.request(int(peeked.id), peeked.spec, changing.of_kept(text), rules=peeked.rules)
    assert isinstance(made, changing.Made)

    await client.patch("/api/queues/1", json=RULE)
    left = await transitions.step_replay(
        redis, team, [made.request], replay=str(replay), most=1, now_ms=began + 1000
    )

    assert (left, await sent(redis)) == (1, [])
    await run(redis, began + 1000)
    done = (await client.get(f"{PATH}s/{replay}")).json()
    assert (done["state"], done["replayed"], done["skipped"]) == ("finished", 0, 1)


@pytest.mark.parametrize("rule", ["of the queue", "of the team"])
async def test_a_rule_that_comes_as_one_is_sent_at_once_holds_of_that(
    client: AsyncClient, redis: Redis, team: Team, monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    (old,) = await dead.dead_letters(redis, team, 1)
    texts, seen = of_queues.texts, list[dict[str, str]]()

    async def before_it_changes(redis: Redis, team: Team, queues: Iterable[str]) -> dict[str, str]:
        seen.append(await texts(redis, team, queues))
        if len(seen) == 1 and rule == "of the queue":
            await client.patch("/api/queues/1", json=RULE)
        elif len(seen) == 1:
            await client.put("/api/settings/redaction", json=RULE)
        return seen[-1]

    monkeypatch.setattr(of_queues, "texts", before_it_changes)
    answer = await client.post(PATH, json={"ids": [old], "change": SESSION})

    assert len(answer.json()["replayed"]) == 1
    assert [bool(found["1"]) for found in seen] == [False, True]
    assert "canary" not in await kept(redis)
    (request,) = await sent(redis)
    assert request.headers["X-Session"] == "canary"


async def test_rules_that_change_each_time_leave_dead_letters_as_they_are(
    client: AsyncClient, redis: Redis, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    (old,) = await dead.dead_letters(redis, team, 1)

    async def long_ago(redis: Redis, team: Team, queues: Iterable[str]) -> dict[str, str]:
        return dict.fromkeys(queues, '["body.other"]')

    monkeypatch.setattr(of_queues, "texts", long_ago)
    answer = await client.post(PATH, json={"ids": [old], "change": SESSION})

    (skipped,) = answer.json()["skipped"]
    assert "being changed by others" in skipped["reason"]
    assert await sent(redis) == []
