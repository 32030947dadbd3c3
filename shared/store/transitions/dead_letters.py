"""Dead letters: replayed at once, replayed in the background at a rate, or purged."""

from collections.abc import Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from shared.store.keyspace import Team
from shared.store.transitions.functions import Function, flat
from shared.store.transitions.records import StoredRecord
from shared.store.writes import OURS, Write

_REPLAY_JOBS = Function("replay_jobs")
_PURGE_JOBS = Function("purge_jobs")
_START_REPLAY = Function("start_replay")
_COLLECT_REPLAY = Function("collect_replay")
_STEP_REPLAY = Function("step_replay")
_CANCEL_REPLAY = Function("cancel_replay")
_PEEK_REPLAY = Function("peek_replay")
_READ_REPLAYS = Function("read_replays")


class ReplayedJob(NamedTuple):
    """What became of one that was to be replayed; `is_new`: it was replayed now, and not before."""

    new_id: int
    """0 if it is not there or no dead letter, -1 if its spec is lost, -2 if that is another text by now."""
    is_new: bool
    original_id: int
    """The first of its chain."""


class ChangedRequest(NamedTuple):
    """What a dead letter is replayed as instead of what it asked for."""

    id: int
    spec: str
    """JSON; nothing where it cannot be changed."""
    was: str
    """SHA-1 of the stored spec that it was made of."""
    is_new: bool
    """Whether it is another intent, to be known by a name of its own."""
    rules: str
    """What is not kept of its queue's requests, by which it was made: JSON, a line each, or nothing."""


class PeekedJob(NamedTuple):
    """One that a replay would send next; `rules` are of its queue."""

    id: str
    spec: str
    rules: str


class Peeked(NamedTuple):
    """How a replay changes requests (JSON), and those that it would send next."""

    change: str | None
    jobs: Sequence[PeekedJob]


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


async def replay_changed_jobs(
    redis: Redis,
    team: Team,
    changed: Sequence[ChangedRequest],
    *,
    now_ms: int | None = None,
    write: Write = OURS,
    step: int = 0,
) -> list[ReplayedJob] | None:
    """The same, each with what it asks for instead; nothing if rules are others than they were made by."""
    rows = await _REPLAY_JOBS(
        redis,
        team.prefix,
        flat(changed),
        write=write,
        step=step,
        team=team.id,
        is_changed=True,
        now_ms=now_ms,
    )
    if rows == "rules":
        return None
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


class KeptChange(NamedTuple):
    """What a replay changes: JSON with secrets sealed, the names of what that is, and warnings (JSON)."""

    change: str
    fields: str
    warnings: str


async def start_replay(
    redis: Redis,
    team: Team,
    *,
    rate: int,
    stop_after: int | None,
    most_kept: int,
    expected: int | None = None,
    first: bool = False,
    change: KeptChange | None = None,
    now_ms: int | None = None,
    write: Write = OURS,
) -> int:
    """Begin a replay of so many jobs a second, until so many fail, and return its id.

    With `first` it sends one and waits how that goes. Of the team's replays that have ended the newest are
    kept.
    """
    replay_id = await _START_REPLAY(
        redis,
        team.prefix,
        write=write,
        team=team.id,
        rate=rate,
        stop_after=stop_after,
        expected=expected,
        first=first,
        change=change.change if change else None,
        changed_fields=change.fields if change else None,
        warnings=change.warnings if change else None,
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
    may_repeat: bool = False,
    now_ms: int | None = None,
    write: Write = OURS,
    step: int = 0,
) -> int | StoredRecord:
    """Add what was collected after one place up to another; with the last of them the replay begins.

    How far it is collected, or once it began or was cancelled its row. `may_repeat`: two may be of one chain.
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
        may_repeat=may_repeat,
        now_ms=now_ms,
    )
    return answer if isinstance(answer, int) else StoredRecord(*answer)


async def step_replay(
    redis: Redis,
    team: Team,
    changed: Sequence[ChangedRequest] = (),
    *,
    replay: str,
    most: int,
    now_ms: int | None = None,
) -> int:
    """Replay as many of its dead letters as its rate allows by now, at most so many; how many are left.

    Of a replay that changes requests, how many are to be given as `changed`, below 0; the next, in order.
    """
    left = await _STEP_REPLAY(
        redis, team.prefix, flat(changed), team=team.id, replay=replay, most=most, now_ms=now_ms
    )
    return int(left)


async def peek_replay(redis: Redis, team: Team, *, replay: str, most: int, most_bytes: int) -> Peeked:
    """How a replay changes requests, and at most so many of the next; the last may be beyond the bytes."""
    change, *rows = await _PEEK_REPLAY(
        redis, team.prefix, team=team.id, replay=replay, most=most, most_bytes=most_bytes
    )
    return Peeked(change, [PeekedJob(*row) for row in rows])


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
