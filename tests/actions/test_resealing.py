"""Keys are changed: all that the old one sealed is sealed anew, and the old one can go."""

import pytest
from pydantic_core import from_json
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.requests import request_of
from services.worker.work import Job
from shared.actions import crons, jobs, notifications, resealing, signatures
from shared.actions.accounts import users
from shared.actions.resealing import Count
from shared.errors import Unfit
from shared.runtime import preflight
from shared.schemas.crons import CronCreate, CronUpdate
from shared.schemas.jobs import JobCreate
from shared.schemas.notifications import Hook, Notifications
from shared.security import second_factor
from shared.security.destinations import origin_of
from shared.security.vault import Vault
from shared.store.keyspace import Team
from shared.store.transitions import Setting, accounts
from tests.calls import call_of

NEW, OLD = "the-new-key-" + 32 * "n", "the-old-key-" + 32 * "o"
URL, SECRET = "https://a.example/hook", "Bearer of-the-target"
ORIGIN = origin_of(URL)
HEADERS = {"Authorization": SECRET, "X-Plain": "plain"}
BODY = '{"price":1.10,"note":"\\u0000@c2VhbGVk \\" é"}'


def job(vault: Vault, team: Team) -> JobCreate:
    sealed = vault.seal_headers(HEADERS, team.id, ORIGIN)
    return JobCreate(queue="mail", url=URL, headers=HEADERS, body=BODY).model_copy(update={"headers": sealed})


def cron(vault: Vault, team: Team) -> CronCreate:
    sealed = vault.seal_headers(HEADERS, team.id, ORIGIN)
    asked = CronCreate(name="Tidy", url=URL, cron_expression="0 0 1 1 *")
    return asked.model_copy(update={"headers": sealed})


@pytest.fixture
async def sealed(redis: Redis, team: Team) -> str:
    """One of each thing that is sealed, with the old key; the signing secret in the open."""
    old = Vault(OLD)
    await preflight.check(redis, old)
    await jobs.create(call_of(redis, team), job(old, team))
    await crons.create(call_of(redis, team), cron(old, team))
    hook = Hook(url="https://hooks.slack.com/services/T0/B0/secret")
    await notifications.put(call_of(redis, team, vault=old), Notifications(slack=hook))
    await signatures.rotate(call_of(redis, team, vault=old), 0)
    return (await signatures.rotate(call_of(redis, team, vault=old), 24)).secret


@pytest.mark.usefixtures("sealed")
async def test_afterwards_the_new_key_alone_opens_everything(redis: Redis, team: Team, sealed: str) -> None:
    count = await resealing.reseal_all(redis, Vault(NEW, OLD))

    new = Vault(NEW)
    await preflight.check(redis, new)
    (work,) = await Claims(redis, team.shard, "w").claim(1)
    assert isinstance(work, Job)
    request = request_of(work, new)
    stored = await redis.hget(f"{team.prefix}t:{team.id}", "signing")  # type: ignore[misc]
    channels = await notifications.opened_of(redis, new, team)
    assert (count.resealed, count.is_complete) == (4, True)
    assert request.headers["Authorization"] == SECRET
    assert request.body == BODY.encode()
    assert signatures.secrets_of(new, team.id, stored or "", 0)[0] == sealed
    assert len(signatures.secrets_of(new, team.id, stored or "", 0)) == 2
    assert channels.slack is not None
    assert channels.slack.url.endswith("secret")


async def test_secrets_of_second_factors_are_sealed_anew(redis: Redis) -> None:
    user, place = await users.create(redis, email="ada@example.com"), second_factor.place(1)
    sealed = Vault(OLD).seal("GEZDGNBV", *place)
    kept = [Setting("totp", sealed), Setting("totp_new", sealed)]
    await accounts.change_user(redis, kept, user=user, version="1")

    count = await resealing.reseal_all(redis, Vault(NEW, OLD))

    found = await users.get(redis, user)
    assert (count.resealed, count.is_complete) == (2, True)
    assert [Vault(NEW).open(text, *place) for text in (found.totp, found.totp_new)] == ["GEZDGNBV"] * 2


@pytest.mark.usefixtures("sealed")
async def test_a_cron_keeps_its_secret_and_all_else_that_was_asked(redis: Redis, team: Team) -> None:
    before = await crons.get(redis, team, 1)

    await resealing.reseal_all(redis, Vault(NEW, OLD))

    spec = await redis.hget(f"{team.prefix}c:{team.id}:1", "spec") or ""  # type: ignore[misc]
    opened = Vault(NEW).open_headers(from_json(spec)["headers"], team.id, ORIGIN)
    assert opened == HEADERS
    assert await crons.get(redis, team, 1) == before


@pytest.mark.usefixtures("sealed")
async def test_a_second_time_there_is_nothing_to_do(redis: Redis) -> None:
    first = await resealing.reseal_all(redis, Vault(NEW, OLD))

    again = await resealing.reseal_all(redis, Vault(NEW, OLD))

    assert (again.seen, again.resealed) == (first.seen, 0)


@pytest.mark.usefixtures("sealed")
async def test_a_key_that_is_missing_is_told_and_every_key_stays_needed(redis: Redis, team: Team) -> None:
    await preflight.check(redis, Vault(NEW, OLD))

    count = await resealing.reseal_all(redis, Vault(NEW))

    assert set(count.locked) == {"b:1:1", "c:1:1", "t:1"}
    with pytest.raises(Unfit):
        await preflight.check(redis, Vault(NEW))


@pytest.mark.usefixtures("sealed")
async def test_whoever_changes_a_cron_meanwhile_does_not_bring_the_old_key_back(
    redis: Redis, team: Team
) -> None:
    version = await redis.hget(f"{team.prefix}c:{team.id}:1", "version")  # type: ignore[misc]

    await resealing.reseal_all(redis, Vault(NEW, OLD))
    await crons.update(call_of(redis, team), 1, CronUpdate(name="Tidy up"))

    after = await redis.hget(f"{team.prefix}c:{team.id}:1", "version")  # type: ignore[misc]
    assert int(after or 0) == int(version or 0) + 2
    assert await resealing.reseal_all(redis, Vault(NEW)) == Count(seen=4)


@pytest.mark.usefixtures("sealed")
async def test_what_is_damaged_is_named_and_stops_nothing(redis: Redis, team: Team) -> None:
    await redis.rpush(f"{team.prefix}b:{team.id}:77", "no text")  # type: ignore[misc]
    await redis.set(f"{team.prefix}c:{team.id}:77", "no record")
    await redis.set(f"{team.prefix}b:junk", "{}")
    await redis.set(f"{team.prefix}b:{team.id}:78", '["no object"]')

    count = await resealing.reseal_all(redis, Vault(NEW, OLD))

    damaged = {f"b:{team.id}:77", f"c:{team.id}:77", "b:junk", f"b:{team.id}:78"}
    assert (count.resealed, count.locked, set(count.damaged)) == (4, [], damaged)
    assert not count.is_complete
