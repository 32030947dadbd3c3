"""What the short commands print: the doctor's findings, a new token."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from services.cli.doctor import audit_all, examine
from services.cli.places import redis_name, with_redis_nearby
from shared import store, tokens
from shared.errors import Damaged
from shared.settings import load


async def doctor(*, audit: bool = False) -> int:
    """Print a line a finding, with `audit` of what is stored too; 1 when one of them is bad."""
    async with _redis() as redis:
        findings = await examine(redis)
        if audit:
            findings += await audit_all(redis)
    for finding in findings:
        print(f"{'ok  ' if finding.good else 'FAIL'} {finding.text}")
    return 0 if all(finding.good for finding in findings) else 1


async def new_token(team: str, name: str, scope: str) -> int:
    """Print a new token, which is shown nowhere else."""
    async with _redis() as redis:
        print(await tokens.create(redis, team=team, name=name, scopes=(scope,)))
    return 0


@asynccontextmanager
async def _redis() -> AsyncIterator[Redis]:
    """The Redis of the settings or of the `recuro dev` here; one line and exit 1 when it is away."""
    settings = with_redis_nearby(load())
    redis = store.connect(settings)
    try:
        yield redis
    except (Damaged, *store.AWAY) as error:
        sys.exit(f"recuro: Redis at {redis_name(settings.redis_url)} cannot be used: {error}")
    finally:
        await redis.aclose()
