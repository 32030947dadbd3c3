"""/api/executions?q=, where the run of an execution says at once that it is not looked for."""

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.worker.work import Complete, Fail
from shared import clock
from shared.actions.reports import listed
from shared.basics.hints import ANY, Bounds, Hints
from shared.store import transitions
from shared.store.keyspace import Team
from tests.fires import HOUR, MINUTE, NOON, SHARD, a_cron, claim, end
from tests.vouching import let_it_be

RUNS = (
    '[1,200,12,1795912323343,"timeout",{},false,null,null,null,null]',
    '[1,503,142,1795912323343,"no",{},false,"http_server_error","no",null,null]',
    '[1,null,1500,1795912323343,null,null,false,"timeout","timed out",null,null]',
    None,
    '{"attempt":1,"response_status":503,"failure_reason":"http_server_error","response_body":"%s"}'
    % ("n" * 9_000),
)
"""Of the fires from noon on, again and again; in minutes since noon the last one is 11, of the first run."""

FAILED = (1, 2, 4)


@pytest.fixture(autouse=True)
async def _an_hour(redis: Redis, team: Team) -> None:
    """Two crons fire each six times, two minutes apart."""
    await let_it_be(redis, NOON + HOUR)
    for name in ("one", "two"):
        await a_cron(redis, team, name=name, cron_expression="*/2 * * * *", labels={"unit": name})
    for minute in range(2, 14, 2):
        await fire_due(redis, SHARD, NOON + minute * MINUTE)
        for work in await claim(redis, NOON + minute * MINUTE):
            verdict = Fail() if (work.id - 1) % len(RUNS) in FAILED else Complete()
            await end(redis, [work], NOON + minute * MINUTE, verdict)
    for number in range(12):
        key = f"{team.prefix}r:{team.id}:e{number + 1}"
        run = RUNS[number % len(RUNS)]
        await (redis.set(key, run) if run else redis.delete(key))


async def looked_at(
    redis: Redis, team: Team, run_text: str | None, count: int = 12, bounds: Bounds = ANY
) -> tuple[list[int], int]:
    """The ids that come, and how many were looked at."""
    _, rows, size = await transitions.list_executions(
        redis,
        team,
        which="",
        from_ms=clock.milliseconds(NOON),
        to_ms=clock.milliseconds(NOON + HOUR),
        offset=0,
        count=count,
        most_bytes=8_448,
        searched=True,
        hints=Hints(None, None, run_text, bounds),
    )
    return [int(row.id) for row in rows], size


async def test_only_those_whose_run_has_the_text_come_and_the_last(redis: Redis, team: Team) -> None:
    every, _ = await looked_at(redis, team, None)

    found, size = await looked_at(redis, team, "http_server_error")

    assert sorted(every) == [*range(1, 13)]
    assert size == 12
    assert found == [one for one in every if one % 5 in (2, 0)] + (
        [] if every[-1] % 5 in (2, 0) else [every[-1]]
    )


async def test_of_those_whose_run_has_another_number_only_the_last_comes(redis: Redis, team: Team) -> None:
    every, _ = await looked_at(redis, team, None)

    found, size = await looked_at(redis, team, None, bounds=Bounds(2, 100, 1_000))

    assert size == 12
    assert every[-1] % len(RUNS) == 1
    assert found == [one for one in every if one % len(RUNS) in (2, 0)] + [every[-1]]


async def test_the_last_that_is_there_says_how_far_it_came(redis: Redis, team: Team) -> None:
    every, _ = await looked_at(redis, team, None)
    await redis.hdel(f"{team.prefix}e:{team.id}:{every[3]}", "state")  # type: ignore[misc]

    assert await looked_at(redis, team, "nothing_has_this", 4) == ([every[2]], 4)
    assert await looked_at(redis, team, None, 4) == (every[:3], 4)


@pytest.mark.parametrize("at_once", [1, 3, 250])
@pytest.mark.parametrize(
    ("q", "numbers"),
    [
        ("reason:http_server_error", (2, 0)),
        ("reason:timeout", (3,)),
        ("code:503 reason:http_server_error", (2, 0)),
        ("code:200", (1,)),
        ("-code:503 -code:200 took:>1s", (3,)),
        ("reason:dns_error", ()),
    ],
)
async def test_what_is_looked_for_is_found(
    client: AsyncClient, monkeypatch: pytest.MonkeyPatch, at_once: int, q: str, numbers: tuple[int, ...]
) -> None:
    monkeypatch.setattr(listed, "_AT_ONCE", at_once)

    answer = (await client.get("/api/executions", params={"q": q, "to": (NOON + HOUR).isoformat()})).json()
    of_one = (await client.get("/api/executions", params={"q": f"{q} label:unit=two"})).json()

    ids = [row["execution"]["id"] for row in answer["data"]]
    assert sorted(ids) == [number for number in range(1, 13) if number % 5 in numbers]
    assert (answer["total"], answer.get("looked_at")) == (len(ids), None)
    assert {row["cron_name"] for row in of_one["data"]} <= {"two"}
