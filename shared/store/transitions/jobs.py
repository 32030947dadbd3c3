"""Jobs as callers make, read, cancel and delete them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, get_args
from weakref import WeakKeyDictionary

from redis.asyncio import Redis

from shared.basics.hints import Hints
from shared.errors import Damaged
from shared.store.keyspace import Team
from shared.store.together import Joined
from shared.store.transitions.functions import Argument, Function, Read, flat
from shared.store.transitions.lists import Below, Seen, letters_of
from shared.store.writes import OURS, Write

_CREATE_JOBS = Function("create_jobs")
_CREATE_JOBS_TOGETHER = Function("create_jobs_together")
_READ_JOBS = Function("read_jobs")
_LOOK_AT_JOBS = Function("look_at_jobs")
_CANCEL_JOB = Function("cancel_job")
_MOVE_JOB = Function("move_job")
_DELETE_JOB = Function("delete_job")
_FEW, _SMALL = 4, 4 * 1024
"""Jobs of a caller, and characters of the spec of each, up to which it goes together with others."""
_MOST_CALLERS = 32
"""Of one call: more would block Redis for too long."""
_RULES = "rules"
_PAUSED, _NEW = 1, 2
"""How the queue of a job that was made stands."""
_ENDED: Literal["ended"] = "ended"
LATE: Literal["late"] = "late"
FAR: Literal["far"] = "far"
NotMoved = Literal["begun", "late", "far"]
"""Why: it runs or has ended, it expires before, it would wait for over a year."""
_NOT_MOVED: tuple[NotMoved, ...] = get_args(NotMoved)


_joined: "WeakKeyDictionary[Redis, dict[tuple[str, str], Joined[_Creation, Created]]]" = WeakKeyDictionary()
"""Of each client of Redis what is wanted at once, by the shard and the settings of a new queue."""


class NewJob(NamedTuple):
    """A job to be made; `spec` is what its caller wrote (JSON)."""

    queue: str
    """Its name."""
    spec: str
    delay_ms: int
    at_ms: int | None
    """When it is to start, if not at once or after the delay."""
    has_callback: bool
    expires_ms: int | None
    rules: str = ""
    """What `spec` leaves in the clear none of, as `OtherRules` has it."""
    key: str | None = None
    """Under which limits of its queue it stands, beside the queue's own."""


class CreatedJob(NamedTuple):
    """A job that was made; `is_paused` is its queue, which `queue_is_new` if it is the first of it."""

    id: int
    queue_id: int
    due_ms: int
    is_paused: bool
    queue_is_new: bool = False


class OtherRules(NamedTuple):
    """No job was made, for of these queues another thing is not kept than their specs were made by.

    By the name of each queue its rules and its team's: of either a line of JSON, or nothing.
    """

    by_queue: Mapping[str, str]


class StoredJob(NamedTuple):
    """A job as it is stored: its fields are name, value, …; `spec` is what its caller wrote (JSON)."""

    id: str
    fields: Sequence[str]
    spec: str
    queue: str
    """Its name."""
    run: str | None = None
    """JSON, if it was read and there is one."""


class SeenJob(NamedTuple):
    """A job as a search looks at it."""

    id: str
    spec: str
    """JSON."""
    queue: str
    """Its name."""
    run: str | None
    """JSON, if it was read and there is one."""
    fields: Sequence[str | None] | None
    """Those of `SEEN_OF_JOB`, if they were read."""
    makers: Sequence[str] | None
    """Fields of who made it by their names and values in turn, if they were read."""


SEEN_OF_JOB = ("queue", "origin", "final", "attempt", "created", "intent", "state")


Created: TypeAlias = list[CreatedJob | Literal["late", "far"]] | OtherRules


class Creator(NamedTuple):
    """Of several callers one, before its jobs: who it is to the audit trail, and to what it makes."""

    team: int
    who: str
    changes: str
    maker: str
    jobs: int
    """How many."""


class _Creation(NamedTuple):
    """What one caller wants made."""

    redis: Redis
    team: Team
    jobs: Sequence[NewJob]
    settings: str
    write: Write


async def create_jobs(
    redis: Redis,
    team: Team,
    jobs: Sequence[NewJob],
    *,
    settings: str,
    now_ms: int | None = None,
    write: Write = OURS,
    step: int = 0,
) -> Created:
    """Store jobs in order; `late` is one that would expire before it starts, `far` would in over a year.

    `settings` (JSON) are those of a queue that is new. What several callers of this process want at once goes
    together, if each is for few jobs and without an idempotency key.
    """
    asked = _Creation(redis, team, jobs, settings, write)
    is_small = len(jobs) <= _FEW and all(len(job.spec) <= _SMALL for job in jobs)
    is_plain = (
        write.who is not None and write.key is None and write.one is None and now_ms is None and not step
    )
    if is_small and is_plain:
        return await _creations(redis, team, settings).do(asked)
    return await _create(asked, now_ms=now_ms, step=step)


async def _create(asked: _Creation, *, now_ms: int | None = None, step: int = 0) -> Created:
    redis, team, jobs, settings, write = asked
    return _created(
        await _CREATE_JOBS(
            redis,
            team.prefix,
            flat(jobs),
            write=write,
            step=step,
            team=team.id,
            settings=settings,
            now_ms=now_ms,
        )
    )


async def _create_together(asked: Sequence[_Creation]) -> list[Created | Exception]:
    first, rest = asked[0], list[Argument]()
    for one in asked:
        write = one.write
        creator = Creator(one.team.id, write.who or "", write.changes or "", write.maker or "", len(one.jobs))
        rest += flat([creator, *one.jobs])
    answers = await _CREATE_JOBS_TOGETHER(first.redis, first.team.prefix, rest, settings=first.settings)
    return [Damaged(answer) if isinstance(answer, str) else _created(answer) for answer in answers]


def _creations(redis: Redis, team: Team, settings: str) -> "Joined[_Creation, Created]":
    of_shards = _joined.setdefault(redis, {})
    joined = of_shards.get((team.shard, settings))
    if joined is None:
        joined = of_shards[team.shard, settings] = Joined(_create, _create_together, _MOST_CALLERS)
    return joined


def _created(rows: Sequence[Any]) -> Created:
    if rows[:1] == [_RULES]:
        return OtherRules(dict(zip(rows[1::2], rows[2::2], strict=True)))
    return [LATE if row == 0 else FAR if row == -1 else _made(*row) for row in rows]


def _made(job_id: int, queue_id: int, due_ms: int, standing: int) -> CreatedJob:
    return CreatedJob(job_id, queue_id, due_ms, standing == _PAUSED, standing == _NEW)


async def read_jobs(
    redis: Redis, team: Team, ids: Sequence[int], *, with_runs: bool, most_bytes: int
) -> list[StoredJob]:
    """Those that are there, with at most so many bytes of each text (0 = any)."""
    return await reading_jobs(team, ids, with_runs=with_runs, most_bytes=most_bytes).run(redis)


def reading_jobs(
    team: Team, ids: Sequence[int], *, with_runs: bool, most_bytes: int
) -> Read[list[StoredJob]]:
    given = {"team": team.id, "with_runs": with_runs, "most_bytes": most_bytes}
    return Read.given(_READ_JOBS, _jobs_of, team.prefix, ids, **given)


def _jobs_of(rows: Sequence[Sequence[Any]]) -> list[StoredJob]:
    return [StoredJob(*row) for row in rows]


async def look_at_jobs(
    redis: Redis,
    team: Team,
    below: Below,
    hints: Hints,
    *,
    most_bytes: int,
    with_specs: bool = True,
    with_runs: bool = False,
    with_fields: bool = False,
    with_makers: bool = False,
) -> Seen[SeenJob]:
    """What a search looks at, of those jobs that may be what it looks for."""
    size, last, has_more, rows = await _LOOK_AT_JOBS(
        redis,
        team.prefix,
        below.indexes,
        team=team.id,
        before=below.last or None,
        count=below.size,
        with_specs=with_specs,
        with_runs=with_runs,
        with_fields=with_fields,
        with_makers=with_makers,
        most_bytes=most_bytes,
        letters=letters_of(hints),
        text=hints.text,
        run_text=hints.run,
        run_place=hints.bounds.place,
        run_least=hints.bounds.least,
        run_most=hints.bounds.most,
    )
    return Seen(size, last, bool(has_more), [SeenJob(*row) for row in rows])


async def cancel_job(
    redis: Redis,
    team: Team,
    *,
    job: int,
    now_ms: int | None = None,
    write: Write = OURS,
) -> StoredJob | Literal["ended"] | None:
    """Cancel a job, by any id of its chain: its row then; None if there is none, or that it had ended."""
    row = await _CANCEL_JOB(redis, team.prefix, write=write, team=team.id, job=job, now_ms=now_ms)
    if row == _ENDED:
        return _ENDED
    return StoredJob(*row) if row else None


async def move_job(
    redis: Redis,
    team: Team,
    *,
    job: int,
    at_ms: int,
    now_ms: int | None = None,
    write: Write = OURS,
) -> StoredJob | NotMoved | None:
    """Let a job that waits start at another moment, by any id of its chain: its row then.

    Or, and nothing is changed: None if there is none, or why not.
    """
    row = await _MOVE_JOB(redis, team.prefix, write=write, team=team.id, job=job, at_ms=at_ms, now_ms=now_ms)
    if row in _NOT_MOVED:
        refused: NotMoved = row
        return refused
    return StoredJob(*row) if row else None


async def delete_job(redis: Redis, team: Team, *, job: int, write: Write = OURS) -> bool:
    """Delete a job with its run, its chain and its pending retries; whether there was one."""
    return bool(await _DELETE_JOB(redis, team.prefix, write=write, team=team.id, job=job))
