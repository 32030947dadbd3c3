"""Problems: failures that are alike, listed, read, changed, and gone when they were not seen for long."""

from collections.abc import Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from shared.basics import hints
from shared.store.keyspace import Team
from shared.store.transitions.functions import Function
from shared.store.transitions.lists import letters_of
from shared.store.writes import OURS, Write

PROBLEM_STATES = ("open", "ignored", "resolved")
_READ_PROBLEMS = Function("read_problems")
_LIST_PROBLEMS = Function("list_problems")
_CHANGE_PROBLEM = Function("change_problem")
_RETIRE_PROBLEMS = Function("retire_problems")
_MEND_PROBLEMS = Function("mend_problems")
_QUIET_ALERT = Function("quiet_alert")


class ListedProblem(NamedTuple):
    """A problem as a list has it; what was ignored until a moment that is past is open."""

    id: int
    last_ms: int
    text: str
    """Its reason, status, host and path."""
    state: str


class PartOfProblems(NamedTuple):
    """So many of the problems, from a place on."""

    of: str
    """Their state as it is stored, last seen first; or their owner (`q<queue>`, `c<cron>`), newest first."""
    offset: int
    size: int


class StoredProblem(NamedTuple):
    """A problem as it is stored: its fields are name, value, …"""

    id: str
    fields: Sequence[str]
    state: str
    """As it is now."""
    dead_letters: int
    now_ms: str
    name: str | None = None
    """Of its queue or cron, while that is there."""


async def read_problems(
    redis: Redis, team: Team, ids: Sequence[int], *, now_ms: int | None = None
) -> list[StoredProblem]:
    """Those that are there."""
    rows = await _READ_PROBLEMS(redis, team.prefix, ids, team=team.id, now_ms=now_ms)
    return [StoredProblem(*row) for row in rows]


async def list_problems(
    redis: Redis, team: Team, part: PartOfProblems, *, words: str = "", now_ms: int | None = None
) -> tuple[int, list[ListedProblem]]:
    """How many there were in that part, and those that can be read and may have these words."""
    found, rows = await _LIST_PROBLEMS(
        redis,
        team.prefix,
        team=team.id,
        state=part.of if part.of in PROBLEM_STATES else None,
        owner=None if part.of in PROBLEM_STATES else part.of,
        offset=part.offset,
        count=part.size,
        letters=letters_of(hints.of(words.split(), ())),
        now_ms=now_ms,
    )
    return found, [ListedProblem(*row) for row in rows]


async def change_problem(
    redis: Redis,
    team: Team,
    *,
    problem: int,
    state: str,
    until_ms: int | None,
    now_ms: int | None = None,
    write: Write = OURS,
) -> StoredProblem | str | None:
    """Its row then; `past` or `far` if it cannot be ignored until that moment, nothing if it is not there."""
    answer = await _CHANGE_PROBLEM(
        redis,
        team.prefix,
        write=write,
        team=team.id,
        problem=problem,
        state=state,
        until_ms=until_ms,
        now_ms=now_ms,
    )
    if not answer or isinstance(answer, str):
        return answer or None
    return StoredProblem(*answer)


async def quiet_alert(
    redis: Redis,
    team: Team,
    *,
    alert: int,
    until_ms: int | None,
    now_ms: int | None = None,
    write: Write = OURS,
) -> StoredProblem | str | None:
    """The row of its problem, ignored with its incident; as `change_problem`, and `none` if it names none."""
    answer = await _QUIET_ALERT(
        redis, team.prefix, write=write, team=team.id, alert=alert, until_ms=until_ms, now_ms=now_ms
    )
    if not answer or isinstance(answer, str):
        return answer or None
    return StoredProblem(*answer)


async def retire_problems(
    redis: Redis,
    team: Team,
    *,
    age_ms: int,
    dead_age_ms: int,
    offset: int,
    limit: int,
    now_ms: int | None = None,
) -> tuple[int, bool]:
    """Remove problems that were not seen for so long, and end those of which no dead letter can be left.

    `dead_age_ms` is for dead letters of a queue that says nothing. How many went, and whether there may be
    more beyond the `limit` from `offset` on.
    """
    went, has_more = await _RETIRE_PROBLEMS(
        redis,
        team.prefix,
        team=team.id,
        age_ms=age_ms,
        dead_age_ms=dead_age_ms,
        offset=offset,
        limit=limit,
        now_ms=now_ms,
    )
    return went, bool(has_more)


async def mend_problems(redis: Redis, team: Team, ids: Sequence[int]) -> list[str]:
    """List problems as their records say; the ids of those that were not."""
    found: list[str] = await _MEND_PROBLEMS(redis, team.prefix, ids, team=team.id)
    return found
