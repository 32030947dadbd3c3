"""How much of what alerts tell of is not over: `open` in a list of alerts, as the pages show it beside their name."""

from datetime import timedelta

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.worker.work import Dead
from shared.actions import queues
from shared.actions.reports import problems
from shared.schemas.alerts import AlertQuiet
from shared.schemas.queues import QueueCreate
from shared.schemas.reports.problems import ProblemState, ProblemUpdate
from shared.store import moments, transitions
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.pages.crons.filling import a_cron
from tests.pages.work.filling import dead, ended, made

ALERTS = "/api/alerts"
HOURLY = "0 * * * *"


async def opened(client: AsyncClient, asked: str = "") -> int:
    number: int = (await client.get(f"{ALERTS}{asked}")).json()["open"]
    return number


async def set_state(redis: Redis, team: Team, problem: int, state: ProblemState) -> None:
    await problems.update(call_of(redis, team), problem, ProblemUpdate(state=state))


@pytest.mark.parametrize(
    ("past", "open_now"),
    [
        pytest.param("", 0, id="never fired"),
        pytest.param("ooo", 0, id="well"),
        pytest.param("ox", 1, id="one failure, of which nobody was told"),
        pytest.param("oxx", 1, id="told of"),
        pytest.param("oxxo", 0, id="recovered"),
        pytest.param("oxo", 0, id="well again before anybody was told"),
        pytest.param("oxxox", 1, id="failed anew"),
        pytest.param("oxt", 1, id="failed in two ways, of both of which there is an alert"),
    ],
)
async def test_a_cron_counts_from_its_first_failure_until_it_works_again(
    client: AsyncClient, redis: Redis, team: Team, past: str, open_now: int
) -> None:
    await a_cron(redis, past, team=team, alert_threshold=2, cron_expression=HOURLY)

    assert await opened(client) == open_now


async def test_each_cron_counts_whatever_was_asked_for(client: AsyncClient, redis: Redis, team: Team) -> None:
    for _ in range(3):
        await a_cron(redis, "x", team=team, alert_threshold=1, cron_expression=HOURLY)
    asked = ("", "?page=9", "?filter=recovery", "?search=nothing", "?cron_id=1")

    assert [await opened(client, one) for one in asked] == [3] * len(asked)


async def test_what_somebody_is_quiet_about_counts_no_more_until_it_is_open(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await a_cron(redis, "x", team=team, alert_threshold=1, cron_expression=HOURLY)

    await problems.quiet(call_of(redis, team), 1, AlertQuiet())
    quiet = await opened(client)
    await set_state(redis, team, 1, ProblemState.OPEN)

    assert (quiet, await opened(client)) == (0, 1)


async def test_what_was_quiet_until_a_moment_counts_after_it(redis: Redis, team: Team) -> None:
    await a_cron(redis, "x", team=team, alert_threshold=1, cron_expression=HOURLY)
    now = await moments.now(redis, team.shard)
    await problems.quiet(call_of(redis, team), 1, AlertQuiet(until=now + timedelta(hours=1)))

    async def count(hours: int) -> int:
        at = now + timedelta(hours=hours)
        return await transitions.count_open_alerts(redis, team, now_ms=round(at.timestamp() * 1000))

    assert [await count(hours) for hours in (0, 2)] == [0, 1]


async def test_each_problem_of_a_queue_with_alerts_counts(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await queues.create(call_of(redis, team), QueueCreate(name="webhooks", alerts_enabled=True))
    await dead(redis, 2, team=team)
    await redis.delete(*await redis.keys("*g:1:*"))  # as an hour later: there is another alert of the same
    await dead(redis, team=team)
    await made(redis, team=team)
    await ended(redis, [Dead()], failed="timeout")
    both = await opened(client)

    await set_state(redis, team, 1, ProblemState.RESOLVED)
    one = await opened(client)
    await dead(redis, team=team)

    assert (both, one, await opened(client)) == (2, 1, 2)


async def test_a_queue_without_alerts_counts_for_nothing(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await dead(redis, 2, team=team)

    assert await opened(client) == 0


@pytest.mark.parametrize("key", ["problem:1:1", "x:1:c1:alerts"])
async def test_what_is_damaged_hides_nothing_else(
    client: AsyncClient, redis: Redis, team: Team, key: str
) -> None:
    for _ in range(2):
        await a_cron(redis, "x", team=team, alert_threshold=1, cron_expression=HOURLY)
    await redis.delete(f"{team.prefix}{key}")
    await redis.set(f"{team.prefix}{key}", "no hash")

    assert await opened(client, "?filter=limit_warning") == 1
