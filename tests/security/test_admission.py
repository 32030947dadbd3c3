from typing import Annotated

import pytest
from pydantic import Field
from pydantic_core import from_json
from redis.asyncio import Redis

from shared.actions import crons, jobs
from shared.errors import Invalid
from shared.schemas.base import Headers, Schema, Url, UrlOrNone
from shared.schemas.crons import CronCreate, CronUpdate
from shared.schemas.jobs import JobCreate
from shared.schemas.marks import Mark, replaced
from shared.schemas.notifications import Notifications
from shared.security.addresses import Policy
from shared.security.admission import Admission
from shared.security.vault import MASK
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.channels import HOOKS, given_for
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
    made = await jobs.create(call_of(redis, team), ADMISSION.admit(team, a_job()))

    assert (await jobs.get(redis, team, made.id)).headers == {"Authorization": MASK, "X-Tenant": "7"}
    assert "canary" not in await everything(redis)


async def test_the_mask_given_back_keeps_what_was_stored(redis: Redis, team: Team) -> None:
    asked = ADMISSION.admit(team, a_cron(headers={"X-Api-Key": "canary", "A": "1"}))
    cron = await crons.create(call_of(redis, team), asked)
    (before,) = [await redis.hget(key, "spec") for key in await redis.keys("*c:1:1")]  # type: ignore[misc]

    change = CronUpdate(headers={"x-api-key": MASK, "A": "2"})
    changed = await crons.update(call_of(redis, team), cron.id, ADMISSION.admit(team, change))

    assert changed.headers == {"x-api-key": MASK, "A": "2"}
    (after,) = [await redis.hget(key, "spec") for key in await redis.keys("*c:1:1")]  # type: ignore[misc]
    sealed = before.partition('X-Api-Key":"')[2].partition('"')[0]
    assert f'"x-api-key":"{sealed}"' in after


async def test_another_secret_replaces_the_stored_one(redis: Redis, team: Team) -> None:
    cron = await crons.create(call_of(redis, team), ADMISSION.admit(team, a_cron(headers={"Cookie": "one"})))

    await crons.update(call_of(redis, team), cron.id, CronUpdate(headers={"Cookie": "two"}))
    await crons.update(call_of(redis, team), cron.id, CronUpdate(name="pong"))

    (spec,) = [await redis.hget(key, "spec") for key in await redis.keys("*c:1:1")]  # type: ignore[misc]
    sealed = from_json(spec)["headers"]
    assert VAULT.open_headers(sealed, 1, "https://api.example.com:443") == {"Cookie": "two"}


async def test_an_update_stores_no_open_secret(redis: Redis, team: Team) -> None:
    cron = await crons.create(call_of(redis, team), a_cron())

    await crons.update(call_of(redis, team), cron.id, CronUpdate(headers={"Cookie": "canary"}))

    assert "canary" not in await everything(redis)


async def test_the_mask_stands_for_nothing_new(redis: Redis, team: Team) -> None:
    cron = await crons.create(call_of(redis, team), a_cron())

    with pytest.raises(Invalid, match="Cookie"):
        ADMISSION.admit(team, a_cron(headers={"Cookie": MASK}))
    with pytest.raises(Invalid, match="Cookie"):
        await crons.update(
            call_of(redis, team), cron.id, ADMISSION.admit(team, CronUpdate(headers={"Cookie": MASK}))
        )


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


class Target(Schema):
    url: UrlOrNone = ""
    headers: Headers | None = None


class Group(Schema):
    """Nothing that is used: URLs and headers wherever a field may have them."""

    many: Annotated[tuple[Url | int, ...], Field(max_length=9)] = ()
    named: dict[str, list[Target]] = Field(default_factory=dict)
    within: "Group | Target | str | None" = None


GOOD, BAD = "https://a.example/", "http://10.0.0.1/"
SECRET = {"Cookie": "canary", "A": "1"}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"many": (GOOD, 7, BAD)}, "many.2"),
        ({"named": {"first": [{"url": GOOD}, {"url": BAD}]}}, "named.first.1.url"),
        ({"within": {"url": BAD}}, "within.url"),
        ({"within": {"within": {"many": (BAD,)}}}, "within.within.many.0"),
        ({"within": {"within": {"named": {"x": [{"url": BAD}]}}}}, "within.within.named.x.0.url"),
    ],
)
def test_a_url_is_judged_wherever_a_model_has_one(team: Team, fields: dict[str, object], place: str) -> None:
    with pytest.raises(Invalid, match=f"The {place} field cannot be called") as refusal:
        ADMISSION.admit(team, Group.model_validate(fields))

    assert refusal.value.field == place


def test_secrets_are_sealed_wherever_a_model_has_headers(team: Team) -> None:
    target = {"url": GOOD, "headers": SECRET}
    asked = Group.model_validate({"named": {"x": [{}, target]}, "within": {"within": target}})

    admitted = ADMISSION.admit(team, asked)

    assert isinstance(admitted.within, Group)
    for found in (admitted.named["x"][1], admitted.within.within):
        assert isinstance(found, Target)
        assert found.headers is not None
        assert "canary" not in str(found.headers)
        assert VAULT.open_headers(found.headers, team.id, "https://a.example:443") == SECRET
    assert admitted.named["x"][0] is asked.named["x"][0]


def test_what_has_nothing_to_judge_or_seal_stays_the_same_thing(team: Team) -> None:
    asked = Group.model_validate({"many": (GOOD, 7), "named": {"x": [{"url": GOOD}]}, "within": "text"})

    assert ADMISSION.admit(team, asked) is asked


def test_a_mask_is_refused_deep_inside_too(team: Team) -> None:
    with pytest.raises(Invalid, match=r"The within\.headers field"):
        ADMISSION.admit(team, Group(within=Target(url=GOOD, headers={"Cookie": MASK})))


def test_headers_without_a_url_beside_them_are_not_let_through(team: Team) -> None:
    class Lost(Schema):
        headers: Headers

    with pytest.raises(AttributeError, match="url"):
        ADMISSION.admit(team, Lost(headers=SECRET))


@pytest.mark.parametrize("channel", HOOKS)
def test_the_url_of_a_channel_is_judged(team: Team, channel: str) -> None:
    with pytest.raises(Invalid, match=f"The {channel}.url field cannot be called"):
        ADMISSION.admit(team, Notifications.model_validate(given_for(channel, BAD)))


def marked(asked: Schema, mark: Mark) -> list[str]:
    """The places of what has the mark."""
    places: list[str] = []

    def visit(value: object, place: str, _within: object) -> object:
        places.append(place)
        return value

    replaced(asked, mark, visit)
    return places


def test_what_jobs_and_crons_call_is_marked() -> None:
    """A type of its own, beside those of schemas/base.py, would be judged by nobody."""
    fields = {"url": GOOD, "callback_url": GOOD, "headers": SECRET}
    job, cron = JobCreate.model_validate({"queue": "q", **fields}), a_cron(**fields)
    change = CronUpdate.model_validate(fields)

    assert [marked(one, Mark.URL) for one in (job, cron, change)] == [["url", "callback_url"]] * 3
    assert [marked(one, Mark.HEADERS) for one in (job, cron, change)] == [["headers"], ["headers"], []]
    assert marked(change, Mark.HEADER_CHANGES) == ["headers"]
