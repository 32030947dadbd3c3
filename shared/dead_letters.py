"""What a caller can do to dead letters."""

import time
from collections.abc import AsyncIterator, Sequence

from redis.asyncio import Redis

from shared import clock, jobs, pages, records, scripts, words
from shared.errors import NotFound
from shared.keyspace import Team
from shared.records import Fields
from shared.schemas.base import Page, PageQuery
from shared.schemas.dead_letters import (
    Chosen,
    DeadLetterQuery,
    Purged,
    Replay,
    ReplayAsked,
    Replayed,
    ReplayedNow,
    ReplayState,
    Skipped,
)
from shared.schemas.jobs import Job

BATCH = 200
RATE = 50
MOST_REPLAYS = 100
"""Of a team's replays that ended, so many are remembered."""
PURGE_SECONDS = 10.0
_LOST = -1


async def page(redis: Redis, team: Team, query: DeadLetterQuery) -> Page[Job]:
    """Dead letters newest first, by queue and reason; a search looks in the URL."""
    listing = pages.Listing(
        [_index(team, query.queue_id)],
        read=lambda ids: jobs.read(redis, team, ids),
        matches=lambda job, text: (
            words.contains(text, job.url)
            and query.failure_reason in (None, job.run.failure_reason if job.run else None)
        ),
        is_filtered=query.failure_reason is not None,
    )
    return await pages.read_page(redis, team, listing, query)


async def replay_now(redis: Redis, team: Team, ids: Sequence[int], now: int | None = None) -> ReplayedNow:
    """Replay these at once; what is none, or was replayed before, is skipped with the reason."""
    asked, done = list(dict.fromkeys(ids)), ReplayedNow(replayed=[], skipped=[])
    for start in range(0, len(asked), BATCH):
        batch = asked[start : start + BATCH]
        at = "" if now is None else now
        answers = await scripts.replay_jobs(redis, team.prefix, team.id, at, *batch)
        for job_id, (new, is_new) in zip(batch, answers, strict=True):
            if is_new:
                done.replayed.append(Replayed(job_id=job_id, new_job_id=new))
            elif new == _LOST:
                reason = "What it asked for is lost, so it cannot be replayed; purge it, or make a new job."
                done.skipped.append(Skipped(job_id=job_id, reason=reason))
            elif new:
                reason = "It was replayed before."
                done.skipped.append(Skipped(job_id=job_id, reason=reason, new_job_id=new))
            else:
                done.skipped.append(Skipped(job_id=job_id, reason="It is no dead letter of this team."))
    return done


async def replay(redis: Redis, team: Team, asked: ReplayAsked) -> Replay:
    """Begin a replay in the background, of what is a dead letter now."""
    stop_after = asked.stop_after_failures or ""
    replay_id = await scripts.start_replay(
        redis, team.prefix, team.id, "", asked.rate or RATE, stop_after, MOST_REPLAYS
    )
    async for batch in _chosen(redis, team, asked):
        if not await scripts.collect_replay(redis, team.prefix, team.id, replay_id, "", "", *batch):
            return await get_replay(redis, team, replay_id)  # cancelled meanwhile
    await scripts.collect_replay(redis, team.prefix, team.id, replay_id, "", "1")
    return await get_replay(redis, team, replay_id)


async def get_replay(redis: Redis, team: Team, replay_id: int) -> Replay:
    found = await _read_replays(redis, team, [replay_id])
    if not found:
        raise NotFound("Replay")
    return found[0]


async def replays(redis: Redis, team: Team, query: PageQuery) -> Page[Replay]:
    listing = pages.Listing([f"x:{team.id}:replays"], read=lambda ids: _read_replays(redis, team, ids))
    return await pages.read_page(redis, team, listing, query)


async def cancel_replay(redis: Redis, team: Team, replay_id: int) -> Replay:
    """Hand out nothing more; jobs that were made stay."""
    if not await scripts.cancel_replay(redis, team.prefix, team.id, replay_id, ""):
        raise NotFound("Replay")
    return await get_replay(redis, team, replay_id)


async def purge(redis: Redis, team: Team, asked: Chosen, seconds: float = PURGE_SECONDS) -> Purged:
    """Delete dead letters with their chains, as many as go in about so many seconds."""
    deadline, purged = time.monotonic() + seconds, 0
    async for batch in _chosen(redis, team, asked):
        if batch and time.monotonic() > deadline:
            return Purged(purged=purged, remaining=len(batch))
        purged += await scripts.purge_jobs(redis, team.prefix, team.id, "", *batch)
    return Purged(purged=purged, remaining=0)


async def _chosen(redis: Redis, team: Team, asked: Chosen) -> AsyncIterator[list[int]]:
    """The ids of dead letters that were asked for, oldest first, some at a time; a batch may hold none."""
    if asked.ids is not None:
        for start in range(0, len(asked.ids), BATCH):
            yield list(asked.ids[start : start + BATCH])
        return
    index, after = f"{team.prefix}{_index(team, asked.queue_id)}", 0
    while ids := [int(one) for one in await redis.zrangebyscore(index, f"({after}", "+inf", 0, BATCH)]:
        after = ids[-1]
        fitting = await _fitting(redis, team, asked, ids) if asked.is_filtered else ids
        yield fitting


async def _fitting(redis: Redis, team: Team, asked: Chosen, ids: Sequence[int]) -> list[int]:
    found = await jobs.read(redis, team, ids, with_runs=asked.failure_reason is not None)
    return [job.id for job in found if _fits(job, asked)]


def _fits(job: Job, asked: Chosen) -> bool:
    before = asked.dead_lettered_before
    return (
        words.contains(asked.search or "", job.url)
        and asked.failure_reason in (None, job.run.failure_reason if job.run else None)
        and (before is None or (job.dead_lettered_at is not None and job.dead_lettered_at < before))
    )


def _index(team: Team, queue_id: int | None) -> str:
    return f"x:{team.id}:{f'q{queue_id}:' if queue_id else ''}dead_lettered"


async def _read_replays(redis: Redis, team: Team, ids: Sequence[int]) -> list[Replay]:
    rows = await scripts.read_replays(redis, team.prefix, team.id, *ids)
    return [_replay(int(replay_id), records.fields_of(flat)) for replay_id, flat in rows]


def _replay(replay_id: int, fields: Fields) -> Replay:
    return Replay(
        id=replay_id,
        state=ReplayState(fields["state"]),
        **{
            name: int(fields.get(name, 0))
            for name in ("total", "replayed", "skipped", "completed", "failed", "waiting", "rate")
        },
        stop_after_failures=int(fields["stop_after"]) if fields["stop_after"] else None,
        created_at=clock.moment(fields["created"]),
        ended_at=records.instant(fields, "ended"),
    )
