"""Dead letters: replayed at once, replayed in the background at a rate, or purged."""

from collections.abc import Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from shared.store.keyspace import Team
from shared.store.transitions.functions import Function
from shared.store.transitions.records import StoredRecord
from shared.store.writes import OURS, Write

_REPLAY_JOBS = Function("replay_jobs")
_PURGE_JOBS = Function("purge_jobs")
_START_REPLAY = Function("start_replay")
_COLLECT_REPLAY = Function("collect_replay")
_STEP_REPLAY = Function("step_replay")
_CANCEL_REPLAY = Function("cancel_replay")
_READ_REPLAYS = Function("read_replays")


class ReplayedJob(NamedTuple):
    """What became of one that was to be replayed; `is_new`: it was replayed now, and not before."""

    new_id: int
    """0 if it is not there or no dead letter, -1 if its spec is lost."""
    is_new: bool
    original_id: int
    """The first of its chain."""


async def replay_jobs(
    redis: Redis,
    team: Team,
    ids: Sequence[int],
    *,
    now_ms: int | None = None,
    write: Write = OURS,
    step: int = 0,
) -> list[ReplayedJob]:
    """Replay dead letters now, each by any id of its chain; what became of each."""
    rows = await _REPLAY_JOBS(redis, team.prefix, ids, write=write, step=step, team=team.id, now_ms=now_ms)
    return [ReplayedJob(new_id, bool(is_new), original_id) for new_id, is_new, original_id in rows]


async def purge_jobs(
    redis: Redis,
    team: Team,
    ids: Sequence[int],
    *,
    purged: int,
    remaining: int,
    now_ms: int | None = None,
    write: Write = OURS,
) -> tuple[int, int]:
    """Delete dead letters with their chains, each by any id of it.

    How many went with the `purged` before these, and how many are left: what is `remaining`.
    """
    went, left = await _PURGE_JOBS(
        redis, team.prefix, ids, write=write, team=team.id, purged=purged, remaining=remaining, now_ms=now_ms
    )
    return went, left


async def start_replay(
    redis: Redis,
    team: Team,
    *,
    rate: int,
    stop_after: int | None,
    most_kept: int,
    now_ms: int | None = None,
    write: Write = OURS,
) -> int:
    """Begin a replay of so many jobs a second, until so many fail, and return its id.

    Of the team's replays that have ended the newest are kept.
    """
    replay_id = await _START_REPLAY(
        redis,
        team.prefix,
        write=write,
        team=team.id,
        rate=rate,
        stop_after=stop_after,
        most_kept=most_kept,
        now_ms=now_ms,
    )
    return int(replay_id)


async def collect_replay(
    redis: Redis,
    team: Team,
    ids: Sequence[int],
    *,
    replay: int,
    after: int,
    up_to: int,
    is_last: bool,
    now_ms: int | None = None,
    write: Write = OURS,
    step: int = 0,
) -> int | StoredRecord:
    """Add what was collected after one place up to another; with the last of them the replay runs.

    How far it is collected, or once it runs or was cancelled its row.
    """
    answer = await _COLLECT_REPLAY(
        redis,
        team.prefix,
        ids,
        write=write,
        step=step,
        team=team.id,
        replay=replay,
        after=after,
        up_to=up_to,
        is_last=is_last,
        now_ms=now_ms,
    )
    return answer if isinstance(answer, int) else StoredRecord(*answer)


async def step_replay(redis: Redis, team: Team, *, replay: str, most: int, now_ms: int | None = None) -> int:
    """Replay as many of its dead letters as its rate allows by now, at most so many; how many are left."""
    left = await _STEP_REPLAY(redis, team.prefix, team=team.id, replay=replay, most=most, now_ms=now_ms)
    return int(left)


async def cancel_replay(
    redis: Redis,
    team: Team,
    *,
    replay: int,
    now_ms: int | None = None,
    write: Write = OURS,
) -> StoredRecord | None:
    """Cancel a replay, whose jobs stay; its row then, if there is one."""
    row = await _CANCEL_REPLAY(redis, team.prefix, write=write, team=team.id, replay=replay, now_ms=now_ms)
    return StoredRecord(*row) if row else None


async def read_replays(redis: Redis, team: Team, ids: Sequence[int]) -> list[StoredRecord]:
    """Those that are there."""
    return [StoredRecord(*row) for row in await _READ_REPLAYS(redis, team.prefix, ids, team=team.id)]
