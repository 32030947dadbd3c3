"""What callers began and schedulers go on with in steps: replays, backfills, and changes of many."""

import asyncio
import secrets
from collections.abc import Sequence

from redis.asyncio import Redis

from shared.actions.bulk import stepping
from shared.actions.redaction import of_jobs
from shared.actions.redrive import changing
from shared.actions.redrive.changing import Change, Made
from shared.store import keyspace, transitions
from shared.store.care import damage
from shared.store.keyspace import Team
from shared.store.transitions import ChangedRequest, PeekedJob

STEP, MOMENTS = 200, 50
"""Dead letters of a replay, and moments of a backfill, that a step looks at."""
CHANGED_BYTES = 8 * 2**20
"""Of requests that are changed at once."""
STEP_SECONDS = 0.1
IDLE_SECONDS = 1.0


async def keep_replaying(redis: Redis, shard: str) -> None:
    while True:
        left = await step(redis, shard)
        await asyncio.sleep(STEP_SECONDS if left else IDLE_SECONDS)


async def step(redis: Redis, shard: str, now_ms: int | None = None) -> int:
    """Take one step of every running replay; return how many dead letters they have left."""
    left = 0
    for member in await redis.smembers(keyspace.replays(shard)):  # type: ignore[misc]
        number, _, replay = member.partition(":")
        if not number.isdecimal():
            continue
        team = Team(int(number), shard)
        async with damage.confined(redis, team, f"replay {replay}"):
            left += await _step(redis, team, replay, now_ms)
    return left


async def _step(redis: Redis, team: Team, replay: str, now_ms: int | None) -> int:
    """The same of one; what it sends instead is made here, for Lua decodes no request.

    A stored request never changes, so that it does not matter when that is.
    """
    left = await transitions.step_replay(redis, team, replay=replay, most=STEP, now_ms=now_ms)
    if left >= 0:
        return left
    text, found = await transitions.peek_replay(
        redis, team, replay=replay, most=-left, most_bytes=CHANGED_BYTES
    )
    if text is None or not found:
        return 0  # it has ended meanwhile
    rows = _changed(changing.of_kept(text), found)
    return await transitions.step_replay(redis, team, rows, replay=replay, most=len(rows), now_ms=now_ms)


def _changed(change: Change, found: Sequence[PeekedJob]) -> list[ChangedRequest]:
    """What each is sent as; nothing of what rules name by now, for no secret is sealed here."""
    names_some = {text: change.is_kept_from(of_jobs.rules_in(text)) for text in {one.rules for one in found}}
    rows = list[ChangedRequest]()
    for job, spec, rules in found:
        unsent = ChangedRequest(int(job), "", "", False, rules)
        made = None if names_some[rules] else changing.request(int(job), spec, change, rules=rules)
        rows.append(made.request if isinstance(made, Made) else unsent)
    return rows


async def keep_backfilling(redis: Redis, shard: str) -> None:
    while True:
        left = await step_backfills(redis, shard)
        await asyncio.sleep(STEP_SECONDS if left else IDLE_SECONDS)


async def step_backfills(redis: Redis, shard: str, now_ms: int | None = None) -> int:
    """Take one step of every running backfill; return how many moments and open executions they have left."""
    left = 0
    for member in await redis.smembers(keyspace.backfills(shard)):  # type: ignore[misc]
        number, _, backfill = member.partition(":")
        if not number.isdecimal():
            continue
        team = Team(int(number), shard)
        async with damage.confined(redis, team, f"backfill {backfill}"):
            left += await transitions.step_backfill(
                redis, team, backfill=backfill, most=MOMENTS, now_ms=now_ms
            )
    return left


async def keep_changing_many(redis: Redis, shard: str) -> None:
    holder = secrets.token_hex(8)
    while True:
        left = await step_bulks(redis, shard, holder)
        await asyncio.sleep(0 if left else IDLE_SECONDS)


async def step_bulks(redis: Redis, shard: str, holder: str, now_ms: int | None = None) -> int:
    """Take one step of every change of many that no other scheduler has; return how many these have left."""
    left = 0
    for member in await redis.smembers(keyspace.bulks(shard)):  # type: ignore[misc]
        number, _, bulk = member.partition(":")
        if not (number.isdecimal() and bulk.isdecimal()):
            continue
        team = Team(int(number), shard)
        async with damage.confined(redis, team, f"bulk {bulk}"):
            left += await stepping.step(redis, team, bulk, holder, now_ms)
    return left
