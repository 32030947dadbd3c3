import pytest
from pydantic_core import from_json
from redis.asyncio import Redis

from shared import crons, jobs
from shared.addresses import Policy
from shared.admission import Admission
from shared.errors import Invalid
from shared.keyspace import Team
from shared.schemas.crons import CronCreate, CronUpdate
from shared.schemas.jobs import JobCreate
from shared.vault import MASK
from tests.conftest import LOOPBACK, VAULT

URL = "https://api.example.com/sync"
ADMISSION = Admission(Policy(LOOPBACK), VAULT)


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


async def test_the_mask_given_back_keeps_what_was_stored(redis: Redis, team: Team) -> None:
    asked = ADMISSION.admit(team, a_cron(headers={"X-Api-Key": "canary", "A": "1"}))
    cron = await crons.create(redis, team, asked)
    (before,) = [await redis.hget(key, "spec") for key in await redis.keys("*c:1:1")]  # type: ignore[misc]

    change = CronUpdate(headers={"x-api-key": MASK, "A": "2"})
    changed = await crons.update(redis, team, cron.id, ADMISSION.admit(team, change), vault=VAULT)

    assert changed.headers == {"x-api-key": MASK, "A": "2"}
    (after,) = [await redis.hget(key, "spec") for key in await redis.keys("*c:1:1")]  # type: ignore[misc]
    sealed = before.partition('X-Api-Key":"')[2].partition('"')[0]
    assert f'"x-api-key":"{sealed}"' in after


async def test_another_secret_replaces_the_stored_one(redis: Redis, team: Team) -> None:
    cron = await crons.create(redis, team, ADMISSION.admit(team, a_cron(headers={"Cookie": "one"})))

    await crons.update(redis, team, cron.id, CronUpdate(headers={"Cookie": "two"}), vault=VAULT)
    await crons.update(redis, team, cron.id, CronUpdate(name="pong"))

    (spec,) = [await redis.hget(key, "spec") for key in await redis.keys("*c:1:1")]  # type: ignore[misc]
    sealed = from_json(spec)["headers"]
    assert VAULT.open_headers(sealed, 1, "https://api.example.com:443") == {"Cookie": "two"}


async def test_an_update_without_a_vault_stores_no_secret(redis: Redis, team: Team) -> None:
    cron = await crons.create(redis, team, a_cron())

    with pytest.raises(ValueError, match="sealed"):
        await crons.update(redis, team, cron.id, CronUpdate(headers={"Cookie": "two"}))


async def test_the_mask_stands_for_nothing_new(redis: Redis, team: Team) -> None:
    cron = await crons.create(redis, team, a_cron())

    with pytest.raises(Invalid, match="Cookie"):
        ADMISSION.admit(team, a_cron(headers={"Cookie": MASK}))
    with pytest.raises(Invalid, match="Cookie"):
        await crons.update(redis, team, cron.id, ADMISSION.admit(team, CronUpdate(headers={"Cookie": MASK})))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://10.0.0.1/", "an address that is not public"),
        ("http://10.0.0.1/", "name its network in RECURO_EGRESS_ALLOW"),
        ("http://169.254.169.254/latest/", "name it alone, by its address, in RECURO_EGRESS_ALLOW"),
        ("http://[::ffff:192.168.0.1]:8080/", "an address that is not public"),
        ("http://169.254.169.254/latest/", "a cloud metadata address"),
        ("http://2130706433/", "write addresses as four decimal numbers"),
        ("http://0x7f.1/", "write addresses as four decimal numbers"),
        ("https://api.example.com:25/", "port 25 is not one for HTTP"),
        ("https://api.example.com:6379/", "port 6379 is not one for HTTP"),
        ("https://api.example.com:99999/", "could not be understood"),
    ],
)
@pytest.mark.parametrize("field", ["url", "callback_url"])
def test_what_will_never_be_called_is_refused_with_the_reason(
    team: Team, field: str, url: str, said: str
) -> None:
    fields = {"url": URL, field: url}
    asked = [
        JobCreate.model_construct(queue="q", callback_url=fields.get("callback_url"), url=fields["url"]),
        CronUpdate.model_construct(callback_url=fields.get("callback_url"), url=fields["url"]),
    ]

    for each in asked:
        with pytest.raises(Invalid, match=f"The {field} field cannot be called") as refusal:
            ADMISSION.admit(team, each)
        assert said in str(refusal.value)
        assert refusal.value.field == field


def test_the_operators_ports_are_the_only_ones(team: Team) -> None:
    strict = Admission(Policy(ports=((443, 443), (8000, 8999))), VAULT)

    for port in (443, 8000, 8999):
        strict.admit(team, JobCreate(queue="q", url=f"https://api.example.com:{port}/"))
    for port in (80, 7999, 9000):
        with pytest.raises(Invalid, match="RECURO_EGRESS_PORTS"):
            strict.admit(team, JobCreate(queue="q", url=f"https://api.example.com:{port}/"))


def test_the_operators_ports_may_be_bad_ones(team: Team) -> None:
    Admission(Policy(ports=((25, 25),)), VAULT).admit(
        team, JobCreate(queue="q", url="http://mail.example.com:25/")
    )


def test_a_name_is_judged_when_it_is_looked_up(team: Team) -> None:
    ADMISSION.admit(team, JobCreate(queue="q", url="http://internal.example.com/"))
