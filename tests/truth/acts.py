"""The play from its beginning to the comparison: hosts, a sender and an API for as long as it takes."""

import random
from contextlib import ExitStack

import httpx
from redis.asyncio import Redis

from services.worker.http.client import Sender
from shared import clock
from shared.security.addresses import Policy
from shared.settings import Settings
from shared.store.keyspace import Team
from tests.api.serving import serving
from tests.conftest import LOOPBACK
from tests.truth.compare import compare
from tests.truth.play import KnowingTarget, Play

SEED, HOSTS = 97, 3


async def play_and_compare(
    redis: Redis, team: Team, settings: Settings, token: str, *, jobs: int, minutes: int
) -> int:
    """How many requests the hosts got; AssertionError where a figure is not what they and the answers say."""
    starts = clock.now().replace(minute=0, second=0, microsecond=0)
    headers = {"Authorization": f"Bearer {token}"}
    with ExitStack() as stack:
        hosts = [stack.enter_context(KnowingTarget()) for _ in range(HOSTS)]
        api = stack.enter_context(serving(settings))
        async with (
            Sender(Policy(LOOPBACK)) as sender,
            httpx.AsyncClient(base_url=api, headers=headers, trust_env=False, timeout=60) as client,
        ):
            play = Play(redis, team, sender, hosts, starts, random.Random(SEED))
            await play.play(jobs, minutes)
            await compare(client, play)
    return len(play.seen)
