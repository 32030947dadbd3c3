"""Discord's `Retry-After`: milliseconds where the URL names no version, for who was told so and for the whole team."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from services.worker.context import Context
from services.worker.http.client import Sender
from services.worker.http.egress import Resolver
from services.worker.intake.claims import Claims
from services.worker.processor import process
from services.worker.throttles import LONGEST_SECONDS
from services.worker.work import Retry
from shared.actions import jobs
from shared.schemas.jobs import JobCreate
from shared.security.addresses import Policy
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.conftest import LOOPBACK, MAILER, VAULT
from tests.target import Target

OF_THE_API = {"X-RateLimit-Scope": "user", "X-RateLimit-Reset-After": "5"}
LIMITED = b'{"message": "You are being rate limited.", "retry_after": 43323, "global": false}'
COPIED = "/api/webhooks/1/x"


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    policy = Policy(LOOPBACK)
    async with Sender(policy, resolver=Resolver(policy, lambda _: ["127.0.0.1"])) as opened:
        yield opened


async def told(redis: Redis, team: Team, sender: Sender, url: str) -> tuple[int, int]:
    """For how many seconds the job waits that was answered 429, and for how many the team."""
    await jobs.create(call_of(redis, team), JobCreate(queue="mail", url=url))
    (work,) = await Claims(redis, keyspace.SHARDS[0], "w").claim(1)
    result = await process(work, Context(redis, sender, VAULT, MAILER))
    assert isinstance(result.verdict, Retry)
    holds = await redis.zrange(f"{team.prefix}throttled:{team.id}", 0, -1, withscores=True)
    return result.verdict.after_seconds, round(sum(until - work.now_ms for _, until in holds) / 1000)


@pytest.mark.parametrize(
    ("host", "path", "said", "seconds"),
    [
        ("discord.com", COPIED, "43323", 44),
        ("discord.com", f"{COPIED}?wait=true", "43323", 44),
        ("ptb.discord.com", COPIED, "900", 1),
        ("discordapp.com", "/api/v6/webhooks/1/x", "43323", 44),
        ("DISCORD.com", "/api/v7/webhooks/1/x", "43323", 44),
        ("discord.com", "/api/v8/webhooks/1/x", "44", 44),
        ("discord.com", "/api/v10/webhooks/1/x", "44", 44),
        ("discord.com", "/elsewhere", "44", 44),
        ("notdiscord.com", COPIED, "44", 44),
        ("discord.com.example", COPIED, "44", 44),
    ],
)
async def test_milliseconds_of_discord_are_read_as_such_and_nobody_elses(
    redis: Redis, team: Team, sender: Sender, target: Target, host: str, path: str, said: str, seconds: int
) -> None:
    target.answer_with(429, LIMITED, {**OF_THE_API, "Retry-After": said})

    waits, held = await told(redis, team, sender, f"http://{host}:{target.port}{path}")

    assert waits == max(60, seconds)  # the queue's own delay is longer
    assert held == pytest.approx(seconds, abs=1)


async def test_a_retry_waits_for_what_discord_asked_for(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    target.answer_with(429, LIMITED, {**OF_THE_API, "Retry-After": "90000"})

    assert await told(redis, team, sender, f"http://discord.com:{target.port}{COPIED}") == (90, 90)


async def test_a_ban_by_the_network_before_discord_is_in_seconds(
    redis: Redis, team: Team, sender: Sender, target: Target
) -> None:
    target.answer_with(429, b"error code: 1015", {"Retry-After": "1800"})

    waits, held = await told(redis, team, sender, f"http://discord.com:{target.port}{COPIED}")

    assert (waits, held) == (1800, LONGEST_SECONDS)
