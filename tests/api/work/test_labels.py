"""Labels of crons, queues and jobs: given, kept, shown, searched, and told"""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.worker.context import Context
from services.worker.http.client import Sender
from services.worker.intake.claims import Claims
from services.worker.processor import process
from shared.actions import crons, executions, jobs
from shared.schemas.base import MAX_LABELS
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.security.addresses import Policy
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.conftest import LOOPBACK, MAILER, VAULT
from tests.target import Target

LABELS = {"team": "billing", "app.example/tier": "1", "legacy": ""}
CRON: dict[str, Any] = {"name": "ping", "url": "https://a.example/", "cron_expression": "0 0 1 1 *"}
JOB: dict[str, Any] = {"queue": "mail", "url": "https://a.example/"}
BODIES = {"crons": CRON, "queues": {"name": "mail"}, "jobs": JOB}


async def make(redis: Redis, noun: str, body: Mapping[str, Any]) -> None:
    """Past the API, which calls no address of this machine."""
    call = call_of(redis, Team(1))
    if noun == "jobs":
        await jobs.create(call, JobCreate.model_validate(body))
    elif noun == "crons":
        await crons.create(call, CronCreate.model_validate(body))
    else:
        await executions.create(call, 1)


async def run_all(redis: Redis) -> None:
    worker = Claims(redis, keyspace.SHARDS[0], "w")
    async with Sender(Policy(LOOPBACK)) as sender:
        while works := await worker.claim(10):
            context = Context(redis, sender, VAULT, MAILER)
            await worker.finish([await process(work, context) for work in works])


@pytest.mark.parametrize("noun", BODIES)
async def test_labels_are_shown_alone_and_in_lists(client: AsyncClient, noun: str) -> None:
    made = await client.post(f"/api/{noun}", json=BODIES[noun] | {"labels": LABELS})
    await client.post(f"/api/{noun}", json=BODIES[noun] | {"name": "two"} if noun != "jobs" else JOB)

    one, rows = (await client.get(f"/api/{noun}/1")).json(), (await client.get(f"/api/{noun}")).json()["data"]

    assert made.status_code == 201
    assert one["labels"] == LABELS
    assert [row["labels"] for row in rows] == [{}, LABELS]


@pytest.mark.parametrize("noun", ["crons", "queues"])
async def test_a_change_gives_all_labels_anew_or_leaves_them(client: AsyncClient, noun: str) -> None:
    await client.post(f"/api/{noun}", json=BODIES[noun] | {"labels": LABELS})

    left = (await client.patch(f"/api/{noun}/1", json={"name": "other"})).json()["labels"]
    new = (await client.patch(f"/api/{noun}/1", json={"labels": {"team": "mail"}})).json()["labels"]
    none = (await client.patch(f"/api/{noun}/1", json={"labels": {}})).json()["labels"]

    assert (left, new, none) == (LABELS, {"team": "mail"}, {})


async def test_a_cron_of_a_key_has_the_labels_that_were_given_last(client: AsyncClient) -> None:
    path = "/api/crons/by-key/nightly"
    await client.put(path, json=CRON | {"labels": LABELS})

    answer = await client.put(path, json=CRON | {"labels": {"team": "mail"}})

    assert answer.json()["labels"] == {"team": "mail"}


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({f"k{n}": "" for n in range(MAX_LABELS + 1)}, "must hold at most 16 labels"),
        ({"": "a"}, "has the key ''"),
        ({"a b": "c"}, "has the key 'a b'"),
        ({"k" * 64: "a"}, "which is not 1 to 63 letters"),
        ({"team": "a,b"}, "has a value for team that is neither empty nor 1 to 63 letters"),
        ({"team": "-a"}, "a letter or digit at both ends"),
        ({"team": "v" * 64}, "has a value for team"),
    ],
)
@pytest.mark.parametrize("noun", BODIES)
async def test_what_is_no_label_is_refused(
    client: AsyncClient, noun: str, labels: dict[str, str], said: str
) -> None:
    answer = await client.post(f"/api/{noun}", json=BODIES[noun] | {"labels": labels})

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["labels"]
    assert said in answer.json()["message"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("label:team", [1, 2]),
        ("label:team=billing", [1]),
        ("label:TEAM=Billing", [1]),
        ("label:team=billing,team=mail", [1, 2]),
        ("label:team=*i*", [1, 2]),
        ("label:team -label:legacy", [2]),
        ("-label:team", [3]),
        ("label:billing", []),
    ],
)
@pytest.mark.parametrize("noun", ["crons", "jobs"])
async def test_labels_are_searched(client: AsyncClient, noun: str, search: str, found: list[int]) -> None:
    for labels in (LABELS, {"team": "mail"}, {}):
        payload: Any = {"filler": "." * 20_000} if noun == "jobs" else "." * 20_000
        await client.post(f"/api/{noun}", json=BODIES[noun] | {"labels": labels, "payload": payload})

    page = (await client.get(f"/api/{noun}", params={"q": search})).json()

    assert sorted(row["id"] for row in page["data"]) == found


async def test_retries_and_replays_have_the_labels_of_their_job(
    client: AsyncClient, redis: Redis, target: Target
) -> None:
    target.answer_with(500)
    await client.post("/api/queues", json={"name": "mail", "retry_delays": []})
    await make(redis, "jobs", JOB | {"url": target.url, "labels": LABELS, "retry_delays": [1]})
    await run_all(redis)
    await make(redis, "jobs", JOB | {"url": target.url, "labels": LABELS})
    await run_all(redis)
    await client.post("/api/dead-letters/replay", json={"ids": [3]})

    rows = (await client.get("/api/jobs")).json()["data"]

    assert [(row["is_retry"], row["replay_of"], row["labels"]) for row in rows] == [
        (False, 3, LABELS),
        (False, None, LABELS),
        (True, None, LABELS),
        (False, None, LABELS),
    ]


async def test_callbacks_tell_the_labels_of_a_job_and_of_a_cron(
    client: AsyncClient, redis: Redis, target: Target
) -> None:
    around = {"url": f"{target.url}/work", "callback_url": f"{target.url}/told", "labels": LABELS}
    await make(redis, "jobs", JOB | around)
    await make(redis, "crons", CRON | around)
    await make(redis, "runs", {})

    await run_all(redis)

    told = [json.loads(one.body) for one in target.received if one.path == "/told"]
    assert [one["labels"] for one in told] == [LABELS, LABELS]
    assert list(told[-1])[-1] == "labels"


async def test_alerts_of_a_cron_tell_its_labels_also_when_it_recovers(
    client: AsyncClient, redis: Redis, target: Target
) -> None:
    cron = CRON | {"url": target.url, "alert_threshold": 1, "labels": LABELS}
    await make(redis, "crons", cron)
    for status in (500, 200):
        target.answer_with(status)
        await make(redis, "runs", {})
        await run_all(redis)

    rows = (await client.get("/api/alerts")).json()["data"]

    assert [(row["type"], row["data"]["labels"]) for row in rows] == [
        ("recovery", LABELS),
        ("failure", LABELS),
    ]


async def test_alerts_of_a_queue_tell_its_labels_and_over_them_those_of_the_job(
    client: AsyncClient, redis: Redis, target: Target
) -> None:
    target.answer_with(500)
    queue = {
        "name": "mail",
        "alerts_enabled": True,
        "retry_delays": [],
        "labels": {"team": "mail", "of": "queue"},
    }
    await client.post("/api/queues", json=queue)
    await make(redis, "jobs", JOB | {"url": target.url, "labels": {"team": "billing"}})
    await run_all(redis)

    (alert,) = (await client.get("/api/alerts")).json()["data"]

    assert alert["data"]["labels"] == {"team": "billing", "of": "queue"}


async def test_what_has_no_labels_says_so_everywhere(
    client: AsyncClient, redis: Redis, target: Target
) -> None:
    target.answer_with(500)
    await make(redis, "crons", CRON | {"url": target.url, "alert_threshold": 1})
    await make(redis, "runs", {})
    await run_all(redis)

    (alert,) = (await client.get("/api/alerts")).json()["data"]

    assert alert["data"]["labels"] == {}
