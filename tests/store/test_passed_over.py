"""What Redis passes over by labels, and by what a run says, is nothing that a search would find."""

from collections.abc import Sequence

import pytest
from redis.asyncio import Redis

from services.worker.work import Dead
from shared.actions import dead_letters, jobs
from shared.actions.searches import jobs as of_jobs
from shared.actions.searches.looks import LookedJob
from shared.basics.hints import Hints
from shared.schemas.dead_letters import DeadLetterQuery
from shared.schemas.jobs import JobCreate, JobQuery
from shared.schemas.runs import FailureReason
from shared.store import stored, transitions
from shared.store.keyspace import Team
from shared.store.transitions import Below
from tests.calls import call_of
from tests.dead import end_all

LABELS: tuple[dict[str, str], ...] = (
    {},
    {"team": "mail"},
    {"team": "Mail", "tier": "1"},
    {"team": "mail/eu.west-1"},
    {"tier": "", "mail": "team"},
)
LONG = "n" * 9_000
RUNS = (
    None,
    '[1,200,12,1795912323343,"{}",{},false,null,null,null,null]',
    '[1,503,142,1795912323343,"no",{},false,"http_server_error","no",null,null]',
    '[1,null,1500,1795912323343,null,null,false,"timeout","timed out",null,null]',
    '{"attempt":1,"response_status":503,"duration_ms":7,"failure_reason":"http_server_error","response_body":"'
    + LONG
    + '"}',
    '{"attempt":1,"response_body":"timeout 503","response_status":404,"failure_reason":"http_client_error"}',
    "no JSON of a run: timeout 503",
)
SEARCHES = (
    *("label:team", "label:team=mail", "label:team=MAIL", "label:team=m*", "label:t*m=mail", "label:team="),
    *("label:tier", "label:tier=", "label:tier=1", "label:mail", "label:*=1", "label:team=mail/eu.west-1"),
    *("label:team=mail,tier=1", "-label:team=mail", "code:503", "code:503.0", "code:0503", "code:5.03e2"),
    *("code:>400", "code:503,404", "-code:503", "code:-1", "reason:timeout", "-reason:timeout"),
    *("reason:timeout,http_server_error", "reason:http_server_error code:503", "code:503 label:team=mail"),
    *("took:>1s", "took:<100ms", "took:<=142ms", "took:142ms", "took:0.142s,12ms", "took:>1s took:<2s"),
    *("-took:>1s", "code:>=500", "code:<300", "code:>199 took:>100ms", "took:>1s label:team", "code:nan"),
    *("code:>inf", "took:>7ms,12ms", "code:503 a.example", "reason:timeout attempt:1", "code:404 queue:q"),
)


@pytest.mark.parametrize("q", SEARCHES)
async def test_what_is_passed_over_is_not_looked_for(redis: Redis, team: Team, q: str) -> None:
    await _make_dead_letters(redis, team)
    wanted = await of_jobs.understood(redis, team, q)
    below = Below([f"x:{team.id}:dead_lettered"], 0, len(LABELS) * len(RUNS))

    async def found(hints: Hints) -> list[int]:
        seen = await transitions.look_at_jobs(
            redis, team, below, hints, with_runs=True, with_fields=True, most_bytes=stored.LOOK_BYTES
        )
        assert (seen.size, seen.last, seen.has_more) == (below.size, 1, False)
        return [row.id for row in map(LookedJob, seen.rows) if wanted.finds(row)]

    every = await found(Hints(None, None))

    assert await found(wanted.hints()) == every
    assert [job.id for job in (await jobs.page(redis, team, JobQuery(q=q, per_page=100))).data] == every


@pytest.mark.parametrize(
    ("q", "ids"),
    [
        ("label:team=nobody", []),
        ("label:tier=1", [*range(8, 22)]),
        ("reason:timeout", [4, 6, 7, 11, 13, 14, 18, 20, 21]),
        ("code:404", [6, 13, 20]),
        ("reason:dns_error", []),
        ("took:>1s", [4, 5, 6, 7, 11, 12, 13, 14, 18, 19, 20, 21]),
        ("code:<300", [2, 4, 5, 6, 7, 9, 11, 12, 13, 14, 16, 18, 19, 20, 21]),
    ],
)
async def test_others_are_not_read(redis: Redis, team: Team, q: str, ids: Sequence[int]) -> None:
    await _make_jobs(redis, team, LABELS[1:4])
    wanted = await of_jobs.understood(redis, team, q)

    seen = await transitions.look_at_jobs(
        redis,
        team,
        Below([f"x:{team.id}:pending"], 0, 21),
        wanted.hints(),
        with_runs=True,
        most_bytes=stored.LOOK_BYTES,
    )

    assert sorted(int(row.id) for row in seen.rows) == ids


async def test_dead_letters_are_found_by_reason_in_any_combination(redis: Redis, team: Team) -> None:
    await _make_dead_letters(redis, team)

    async def found(**query: object) -> list[int]:
        asked = DeadLetterQuery(failure_reason=FailureReason.TIMEOUT, per_page=100, **query)
        return [job.id for job in (await dead_letters.page(redis, team, asked)).data]

    of_reason = [number for number in range(len(RUNS) * len(LABELS), 0, -1) if number % len(RUNS) == 4]

    assert await found() == of_reason
    assert await found(search="a.example") == of_reason
    assert await found(search="b.example") == []
    assert await found(queue_id=1, q="took:>1s") == of_reason
    assert await found(q="code:503") == []


async def _make_dead_letters(redis: Redis, team: Team) -> None:
    await _make_jobs(redis, team)
    await end_all(redis, Dead())
    for number, run in enumerate(RUNS * len(LABELS), 1):
        key = f"{team.prefix}r:{team.id}:j{number}"
        await (redis.set(key, run) if run else redis.delete(key))


async def _make_jobs(redis: Redis, team: Team, labels: Sequence[dict[str, str]] = LABELS) -> None:
    asked = [
        JobCreate(queue="q", url="https://a.example/", retry_delays=[], labels=one)
        for one in labels
        for _ in RUNS
    ]
    await jobs.create_many(call_of(redis, team), asked)
    for number, run in enumerate(RUNS * len(labels), 1):
        if run:
            await redis.set(f"{team.prefix}r:{team.id}:j{number}", run)
