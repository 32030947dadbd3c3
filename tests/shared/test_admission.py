import pytest
from redis.asyncio import Redis

from shared import crons, jobs
from shared.admission import Admission
from shared.errors import Conflict, Invalid
from shared.keyspace import Team
from shared.schemas.crons import CronCreate, CronUpdate
from shared.schemas.jobs import JobCreate
from shared.vault import MASK
from tests.conftest import VAULT

URL = "https://api.example.com/sync"
ADMISSION = Admission(VAULT)


def a_job(secret: str = "Bearer canary") -> JobCreate:
    return JobCreate(queue="webhooks", url=URL, headers={"Authorization": secret, "X-Tenant": "7"})


def a_cron(**fields: object) -> CronCreate:
    return CronCreate.model_validate({"name": "ping", "url": URL, "cron_expression": "* * * * *", **fields})


async def everything(redis: Redis) -> str:
    """All that Redis holds, as text."""
    return str([await redis.dump(key) for key in await redis.keys("*")])


async def test_a_secret_header_is_sealed_at_rest_and_masked_when_read(redis: Redis, team: Team) -> None:
    made = await jobs.create(redis, team, ADMISSION.admit(team, a_job()))

    assert (await jobs.get(redis, team, made.id)).headers == {"Authorization": MASK, "X-Tenant": "7"}
    assert "canary" not in await everything(redis)


async def test_a_repeat_under_one_key_is_recognised_though_its_secret_is_sealed(
    redis: Redis, team: Team
) -> None:
    first, again = [
        await jobs.create_many(redis, team, [ADMISSION.admit(team, a_job())], key="order-1") for _ in range(2)
    ]

    assert (again[0].id, again[0].is_replayed) == (first[0].id, True)
    with pytest.raises(Conflict):
        await jobs.create_many(redis, team, [ADMISSION.admit(team, a_job("Bearer other"))], key="order-1")


async def test_the_mask_given_back_keeps_what_was_stored(redis: Redis, team: Team) -> None:
    asked = ADMISSION.admit(team, a_cron(headers={"X-Api-Key": "canary", "A": "1"}))
    cron = await crons.create(redis, team, asked)
    (before,) = [await redis.hget(key, "spec") for key in await redis.keys("*c:1:1")]  # type: ignore[misc]

    change = CronUpdate(headers={"x-api-key": MASK, "A": "2"})
    changed = await crons.update(redis, team, cron.id, ADMISSION.admit(team, change))

    assert changed.headers == {"x-api-key": MASK, "A": "2"}
    (after,) = [await redis.hget(key, "spec") for key in await redis.keys("*c:1:1")]  # type: ignore[misc]
    sealed = before.partition('X-Api-Key":"')[2].partition('"')[0]
    assert f'"x-api-key":"{sealed}"' in after


async def test_another_secret_replaces_the_stored_one(redis: Redis, team: Team) -> None:
    cron = await crons.create(redis, team, ADMISSION.admit(team, a_cron(headers={"Cookie": "one"})))

    await crons.update(redis, team, cron.id, ADMISSION.admit(team, CronUpdate(headers={"Cookie": "two"})))
    await crons.update(redis, team, cron.id, CronUpdate(name="pong"))

    (spec,) = [await redis.hget(key, "spec") for key in await redis.keys("*c:1:1")]  # type: ignore[misc]
    assert VAULT.seal("two", 1, "header", "cookie").removeprefix("\0") in spec


async def test_the_mask_stands_for_nothing_new(redis: Redis, team: Team) -> None:
    cron = await crons.create(redis, team, a_cron())

    with pytest.raises(Invalid, match="Cookie"):
        ADMISSION.admit(team, a_cron(headers={"Cookie": MASK}))
    with pytest.raises(Invalid, match="Cookie"):
        await crons.update(redis, team, cron.id, ADMISSION.admit(team, CronUpdate(headers={"Cookie": MASK})))
