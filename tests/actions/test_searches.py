"""What Redis passes over for a search is nothing that the search would find."""

import json
from collections.abc import Sequence

import pytest
from redis.asyncio import Redis

from shared.actions import crons, jobs
from shared.actions.searches import crons as of_crons
from shared.actions.searches import jobs as of_jobs
from shared.actions.searches import looks
from shared.actions.searches.looks import LookedJob
from shared.basics.hints import Hints
from shared.basics.spelling import Spelled
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.store import stored, transitions
from shared.store.keyspace import Team
from shared.store.transitions import Below
from tests.calls import call_of

NOTHING = Hints(None, None)
NAMES = (
    "Health Check",
    "Café nightly",
    'say "hello" twice',
    "back\\slash sync",
    "STRASSE straße",
    "Kelvin",  # with the sign of the unit
    "日報 report",
    "a" * 40 + "z",
    "nightly-sync",
)
URLS = (
    "https://api.example.com/health-check",
    "https://API.Example.com/Health/Check?order=42",
    "https://b.example.com/r%C3%A9sum%C3%A9/x",
    "https://xn--caf-dma.example.com/nightly",
    'https://c.example.com/say="yes"/tail',
)
PAYLOADS = (
    '{"order": 42, "note": "a\\/b"}',
    '{"order": 42.0, "note": "Caf\\u00e9"}',
    '{"order": 4.2e1, "note": "c\\u0061fe"}',
    '{"order": "42", "note": "straße"}',
    '{"order": true, "note": null}',
    '{"order": [1, null, "x"], "note": "' + "n" * 20_000 + '"}',
    '{"order": {"id": 7}, "note": "he said \\"no\\""}',
    '{"order": [null, 42.0], "note": "12:30"}',
    '{"order": 7, "note": "12\\u003a30"}',
)
WORDS = (
    *("healthcheck", "health check", '"health check"', "cafe", "café", "hello", '"hello twice"', "backslash"),
    *("strasse", "kelvin", "日報", "resume", "example.com/health", "sync -nightly", "a" * 41, "a" * 24 + "b"),
    *("-health", "order 42", "host:api.example.com", "host:*.EXAMPLE.com", "host:xn--*", "host:b.*,api.*"),
    *("-host:b.example.com", "tail"),
)
OF_PAYLOADS = (
    *("42", "42.0", "4*", "true", "null", "none", "*none*", "7", "x", "[1*", "*1, none*"),
    *("42*", "*.0", "* 42*", "*non*", "*: 7*", "12:30", "12:*"),
    *("a/b", "café", "cafe", "strasse", "straße", 'he*"no"', "nnn*", "he said*", "*said *"),
)


@pytest.mark.parametrize(
    "q", [*WORDS, *(f"payload.{key}:{each}" for key in ("order", "note") for each in OF_PAYLOADS)]
)
async def test_of_jobs(redis: Redis, team: Team, q: str) -> None:
    await _make_jobs(redis, team)
    wanted = await of_jobs.understood(redis, team, _quoted(q))
    below = Below([f"x:{team.id}:pending"], 0, 2 * len(URLS) * len(PAYLOADS))

    async def found(hints: Hints) -> list[int]:
        seen = await transitions.look_at_jobs(redis, team, below, hints, most_bytes=stored.LIST_BYTES)
        assert (seen.size, seen.last, seen.has_more) == (below.size, 1, False)
        return [row.id for row in map(LookedJob, seen.rows) if wanted.finds(row)]

    assert await found(wanted.hints()) == await found(NOTHING)


@pytest.mark.parametrize("q", WORDS)
async def test_of_crons(redis: Redis, team: Team, q: str) -> None:
    for name in NAMES:
        for url in URLS:
            made = CronCreate(name=name, url=url, cron_expression="0 3 * * *")
            await crons.create(call_of(redis, team), made)
    wanted = await of_crons.understood(redis, team, q)
    below = Below([f"x:{team.id}:crons:active"], 0, len(NAMES) * len(URLS))

    async def found(hints: Hints) -> list[int]:
        seen = await transitions.look_at_crons(redis, team, below, hints, most_bytes=stored.LOOK_BYTES)
        assert (seen.size, seen.last, seen.has_more) == (below.size, 1, False)
        return [row.id for row in map(looks.looked, seen.rows) if wanted.finds(row)]

    assert await found(wanted.hints()) == await found(NOTHING)


@pytest.mark.parametrize(
    ("q", "ids"),
    [
        ("healthcheck", [1, 2]),
        ("resume", []),
        ("host:b.example.com", [3]),
        ("payload.order:42", [1, 2, 3, 4]),
        ("payload.note:zebra*", []),
        ("payload.order:43", []),
        ("payload.none:12:30", []),
    ],
)
async def test_others_are_not_read(redis: Redis, team: Team, q: str, ids: Sequence[int]) -> None:
    await _make_jobs(redis, team, PAYLOADS[:1])
    wanted = await of_jobs.understood(redis, team, q)

    below = Below([f"x:{team.id}:pending"], 5, 4)
    seen = await transitions.look_at_jobs(redis, team, below, wanted.hints(), most_bytes=stored.LIST_BYTES)

    assert sorted(int(row.id) for row in seen.rows) == ids


async def test_of_what_is_beyond_ascii_none_is_read_for_digits(redis: Redis, team: Team) -> None:
    await _make_jobs(redis, team, PAYLOADS[3:4])
    wanted = await of_jobs.understood(redis, team, "payload.order:43")

    below = Below([f"x:{team.id}:pending"], 0, 20)
    seen = await transitions.look_at_jobs(redis, team, below, wanted.hints(), most_bytes=stored.LIST_BYTES)

    assert (seen.size, seen.rows) == (2 * len(URLS), [])


async def _make_jobs(redis: Redis, team: Team, payloads: Sequence[str] = PAYLOADS) -> None:
    asked = [
        (JobCreate(queue="q", url=url, payload=json.loads(text)), text) for text in payloads for url in URLS
    ]
    as_given = [job.model_copy(update={"payload": Spelled(job.payload or {}, text)}) for job, text in asked]
    await jobs.create_many(call_of(redis, team), [job for job, _ in asked] + as_given)


def _quoted(q: str) -> str:
    key, colon, value = q.partition(":")
    return f'{key}:"{value}"' if colon and key.startswith("payload.") and '"' not in value else q
