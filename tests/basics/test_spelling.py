"""Numbers leave as their caller wrote them."""

import json

import pytest
from redis.asyncio import Redis

from services.api.rest.jobs import as_spelled
from services.worker.intake.claims import Claims
from services.worker.requests import request_of
from services.worker.work import Job
from shared.actions import jobs
from shared.basics.spelling import spelled
from shared.schemas.jobs import JobCreate
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.conftest import VAULT

NUMBERS = (
    '{"price":1.10,"pi":3.14159265358979323846,"tiny":1E-400,"list":[0.1,{"x":100.00}],"text":"1.10","n":7}'
)


def asked(payload: str) -> str:
    return f'{{"queue": "q", "url": "https://a.example/", "payload": {payload}}}'


def test_numbers_keep_their_spelling() -> None:
    assert spelled(asked(NUMBERS).encode()) == [NUMBERS]


@pytest.mark.parametrize("payload", ["{}", '{"a": 1.5, "b": [0.25, 12]}', '{"a": "1.10"}', "null"])
def test_what_floats_say_exactly_is_left_as_it_is(payload: str) -> None:
    assert [text for text in spelled(asked(payload).encode()) if text] == []


def test_each_job_of_a_batch_has_its_own() -> None:
    batch = f'{{"jobs": [{asked("{}")}, 3, {asked(NUMBERS)}]}}'

    assert spelled(batch.encode()) == [None, None, NUMBERS]


async def test_they_leave_and_are_shown_so(redis: Redis, team: Team) -> None:
    raw = asked(NUMBERS).encode()
    job = await jobs.create(
        call_of(redis, team), as_spelled(JobCreate.model_validate_json(raw), spelled(raw)[0])
    )

    (work,) = await Claims(redis, keyspace.SHARDS[0], "w").claim(1)

    assert isinstance(work, Job)
    assert request_of(work, VAULT).body == NUMBERS.encode()
    assert (await jobs.get(redis, team, job.id)).payload == json.loads(NUMBERS)
