"""The answers that docs/openapi.json shows as examples are such as the API gives: `make examples` renews them."""

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from httpx import AsyncClient, Response
from redis.asyncio import Redis

from services.api.openapi import examples
from services.api.table import OPERATIONS
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Fail, Result
from shared.actions import alerts
from shared.operations import Operation
from shared.store import keyspace
from shared.store.keyspace import Team
from shared.store.transitions import throttle_host
from tests import people
from tests.api import described
from tests.dead import REFUSED
from tests.poll import until
from tests.writes import BULK, CRON, INVITATION, JOB, PAST, WRITES, Write, do, ready

RENEWS = "RECURO_RENEW_EXAMPLES" in os.environ
RUN = (
    '[1,200,142,1795830038197,"{\\"ok\\":true}",{"content-type":"application/json"},false,null,null,null,'
    '{"Content-Type":"application/json"},null,[31,0,128,1,"worker-1:7","203.0.113.7",2,4,7]]'
)
BODIES = {
    "explain-schedule": {"cron_expression": "0 9 * * 1-5", "timezone": "Europe/Berlin", "count": 2},
    "check-signature": {"headers": {"webhook-id": "job-1-7"}, "body": '{"n": 1}'},
}
MORE = {("backfill-cron", 200): {"dry_run": True}}
"""Fields of a body with which another answer comes."""
SECRETS = {"token": f"rc_{'x' * 43}_{'x' * 6}", "secret": f"whsec_{'x' * 32}", "code": "x" * 43}
"""What stands for them in the file: they would look like leaked ones."""


@dataclass(frozen=True, slots=True)
class Case:
    """One answer of an operation: the request that has it."""

    operation: Operation
    status: int
    write: Write

    def __str__(self) -> str:
        return f"{self.operation.name} {self.status}"

    @property
    def needs_worker(self) -> bool:
        return (self.operation.name, self.status) == ("test-notifications", 200)


def cases() -> Iterator[Case]:
    for operation in OPERATIONS:
        ways = [one for one in WRITES if (one.method, one.route) == (operation.method, operation.path)]
        if not ways:
            path = operation.path.format_map({each.name: 1 for each in operation.ids})
            ways = [Write(operation.method, operation.path, path, "", BODIES.get(operation.name))]
        for status in operation.answers:
            # The last of several ways is the one with the later status, as a replay in the background.
            way = [one for one in ways if one.steps == 1][0 if status == min(operation.answers) else -1]
            more = MORE.get((operation.name, status))
            yield Case(operation, status, replace(way, body={**way.body, **more}) if more else way)


async def world(client: AsyncClient, redis: Redis) -> None:
    """One of each noun, with something to show."""
    await client.post("/api/crons", json={**CRON, "alert_threshold": 1})
    await client.post("/api/crons/1/run")
    await client.post("/api/jobs", json={**JOB, "retry_delays": []})
    await finish_all(redis)
    await client.post("/api/dead-letters/replay", json={"all": True})
    await client.post("/api/crons/1/backfill", json=PAST)
    await client.post(BULK.path, json=BULK.body)
    await client.post("/api/invitations", json=INVITATION)
    await people.join(redis, "one", 1)
    await throttle_host(
        redis, Team(1), host="api.example.com:443", wanted_ms=60_000, most_ms=60_000, status=429
    )


async def finish_all(redis: Redis) -> bool:
    """End what is ready, as a worker would: crons fail and all else is done; whether there was anything."""
    worker = Claims(redis, keyspace.SHARDS[0], "w")
    works = await worker.claim(8)
    for work in works:
        run, verdict = (REFUSED, Fail()) if work.kind == "e" else (RUN, Complete())
        reason = "http_server_error 500" if work.kind == "e" else ""
        await worker.finish([Result(work, verdict, run, "", reason)])
    return bool(works)


async def answer_to(case: Case, client: AsyncClient, redis: Redis, team: Team) -> Response:
    if not case.write.script:
        await world(client, redis)
    write = await ready(client, redis, team, case.write)
    async with asyncio.TaskGroup() as tasks:
        asked = tasks.create_task(do(client, write))
        if case.needs_worker:
            await until(lambda: finish_all(redis))
    return asked.result()


@pytest.mark.parametrize("case", list(cases()), ids=str)
async def test_an_example_has_the_fields_of_a_real_answer(
    client: AsyncClient, redis: Redis, team: Team, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not case.needs_worker:
        monkeypatch.setattr(alerts, "WAIT_SECONDS", 0.0)

    answer = await answer_to(case, client, redis, team)

    assert answer.status_code == case.status, answer.text
    if RENEWS:
        renew(case, without_secrets(answer.json()))
    shown = json.loads(examples.FILE.read_text())[case.operation.name][str(case.status)]
    assert shape(shown) == shape(answer.json()), "run `make examples`"
    schema = described.operation_of(answer.request)["responses"][str(case.status)]["content"][
        "application/json"
    ]
    assert [error.message for error in described.validator(schema["schema"]["$ref"]).iter_errors(shown)] == []


def test_each_answer_of_each_operation_has_an_example_and_no_other_is_kept() -> None:
    kept = json.loads(examples.FILE.read_text())

    assert {(name, int(status)) for name, shown in kept.items() for status in shown} == {
        (case.operation.name, case.status) for case in cases()
    }


def renew(case: Case, shown: Any) -> None:
    kept = json.loads(examples.FILE.read_text()) if examples.FILE.exists() else {}
    kept.setdefault(case.operation.name, {})[str(case.status)] = shown
    examples.FILE.write_text(json.dumps(kept, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: SECRETS[name] if name in SECRETS and isinstance(one, str) else without_secrets(one)
            for name, one in value.items()
        }
    return [without_secrets(one) for one in value] if isinstance(value, list) else value


def shape(value: Any) -> Any:
    """The names of all fields; of a list those of its first item."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    return [shape(one) for one in value[:1]] if isinstance(value, list) else None
