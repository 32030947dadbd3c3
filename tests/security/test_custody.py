"""Secrets of a cron stay with the scheme, host and port that they were given for."""

from typing import cast

import pytest
from pydantic_core import from_json
from redis.asyncio import Redis

from shared.actions import crons
from shared.errors import Conflict, Invalid
from shared.schemas.crons import Cron, CronCreate, CronUpdate
from shared.security.addresses import Policy
from shared.security.admission import Admission
from shared.security.vault import MASK
from shared.store.keyspace import Team
from shared.store.transitions.functions import Function
from tests.calls import call_of
from tests.conftest import VAULT

SAVE_CRON = Function("save_cron")
URL = "https://api.example.com/sync"
HEADERS = {"Authorization": "Bearer canary", "X-Api-Key": "canary-too", "X-Tenant": "7"}
ADMISSION = Admission(Policy(), VAULT)


@pytest.fixture
async def cron(redis: Redis, team: Team) -> Cron:
    asked = CronCreate(name="ping", url=URL, cron_expression="* * * * *", headers=HEADERS)
    return await crons.create(call_of(redis, team), ADMISSION.admit(team, asked))


async def stored_headers(redis: Redis) -> dict[str, str] | None:
    spec = await redis.hget("r:{s0}:c:1:1", "spec")  # type: ignore[misc]
    found: dict[str, str] | None = from_json(spec)["headers"]
    return found


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example.com/sync",
        "http://api.example.com/sync",
        "https://api.example.com:8443/sync",
        "https://api.example.com.evil.example/sync",
    ],
)
@pytest.mark.parametrize(
    "headers",
    [
        None,
        {**HEADERS, "Authorization": MASK, "X-Api-Key": MASK},
        {"authorization": MASK, "X-Tenant": "7"},
    ],
)
async def test_another_scheme_host_or_port_drops_what_was_kept_and_says_so(
    redis: Redis, team: Team, cron: Cron, url: str, headers: dict[str, str] | None
) -> None:
    change = CronUpdate(url=url) if headers is None else CronUpdate(url=url, headers=headers)

    changed = await crons.update(call_of(redis, team), cron.id, change)

    assert changed.headers == await stored_headers(redis) == {"X-Tenant": "7"}
    (warning,) = changed.warnings
    assert "authorization" in warning.lower()
    assert "give " in warning


async def test_a_second_secret_in_the_same_edit_does_not_carry_the_first_along(
    redis: Redis, team: Team, cron: Cron
) -> None:
    headers = {"Authorization": MASK, "X-Api-Key": MASK, "X-Other-Key": "mine"}
    change = CronUpdate(url="https://evil.example.com/", headers=headers)

    changed = await crons.update(call_of(redis, team), cron.id, change)

    assert changed.headers == {"X-Other-Key": MASK}
    assert "Authorization, X-Api-Key" in changed.warnings[0]
    sealed = await stored_headers(redis)
    assert VAULT.open_headers(sealed or {}, 1, "https://evil.example.com:443") == {"X-Other-Key": "mine"}


async def test_moved_away_and_back_it_stays_dropped(redis: Redis, team: Team, cron: Cron) -> None:
    await crons.update(call_of(redis, team), cron.id, CronUpdate(url="https://evil.example.com/"))

    back = await crons.update(call_of(redis, team), cron.id, CronUpdate(url=URL))

    assert (back.headers, back.warnings) == ({"X-Tenant": "7"}, ())
    with pytest.raises(Invalid, match="no value to be kept"):
        await crons.update(call_of(redis, team), cron.id, CronUpdate(headers={"Authorization": MASK}))


@pytest.mark.parametrize("url", ["https://api.example.com/other?q=1", "HTTPS://API.example.com:443/sync"])
async def test_another_path_of_the_same_origin_keeps_them(
    redis: Redis, team: Team, cron: Cron, url: str
) -> None:
    changed = await crons.update(call_of(redis, team), cron.id, CronUpdate(url=url))

    assert (changed.warnings, set(changed.headers or {})) == ((), set(HEADERS))
    assert VAULT.open_headers(await stored_headers(redis) or {}, 1, "https://api.example.com:443") == HEADERS


async def test_a_secret_given_anew_goes_to_the_new_host(redis: Redis, team: Team, cron: Cron) -> None:
    change = CronUpdate(url="http://b.example/", headers={"Authorization": "Bearer new"})

    changed = await crons.update(call_of(redis, team), cron.id, change)

    assert changed.warnings == ()
    sealed = await stored_headers(redis)
    assert VAULT.open_headers(sealed or {}, 1, "http://b.example:80") == {"Authorization": "Bearer new"}


async def test_a_secret_sealed_before_there_were_origins_is_dropped_too(redis: Redis, team: Team) -> None:
    sealed = {"Cookie": VAULT.seal("canary", team.id, "header", "cookie")}
    asked = CronCreate(name="ping", url=URL, cron_expression="* * * * *")
    cron = await crons.create(call_of(redis, team), asked.model_copy(update={"headers": sealed}))

    changed = await crons.update(call_of(redis, team), cron.id, CronUpdate(url="https://b.example/"))

    assert changed.headers is None
    assert "Cookie was kept" in changed.warnings[0]


class Racing:
    """A client before whose first save of a cron somebody else changes its URL."""

    def __init__(self, redis: Redis, team: Team) -> None:
        self._redis, self._team, self._raced = redis, team, False

    async def hget(self, name: str, key: str) -> object:
        return await self._redis.hget(name, key)  # type: ignore[misc]

    async def fcall(self, function: str, *arguments: object) -> object:
        if function == SAVE_CRON.in_redis and not self._raced:
            self._raced = True
            await crons.update(
                call_of(self._redis, self._team), 1, CronUpdate(url="https://evil.example.com/")
            )
        return await self._redis.fcall(function, *arguments)  # type: ignore[arg-type, misc]


async def test_a_secret_given_for_one_host_is_not_kept_for_one_that_somebody_else_just_chose(
    redis: Redis, team: Team, cron: Cron
) -> None:
    racing = cast(Redis, Racing(redis, team))

    with pytest.raises(Conflict, match="url"):
        await crons.update(call_of(racing, team), cron.id, CronUpdate(headers={"Cookie": "new"}))

    assert await stored_headers(redis) == {"X-Tenant": "7"}
