"""What a caller can do to problems: failures that are alike."""

import asyncio
import math
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Any

from pydantic_core import from_json
from redis.asyncio import Redis

from shared import clock
from shared.actions import audit
from shared.basics import words
from shared.basics.memory import MEBIBYTE, remembered_of_several
from shared.errors import Conflict, Invalid, NotFound
from shared.operations import Call
from shared.schemas.alerts import AlertQuiet
from shared.schemas.base import Page
from shared.schemas.kinds import Kind
from shared.schemas.reports.problems import Problem, ProblemQuery, ProblemState, ProblemUpdate
from shared.schemas.runs import FailureReason
from shared.store import records, transitions
from shared.store.keyspace import Team
from shared.store.records import Fields
from shared.store.transitions import ListedProblem, PartOfProblems, StoredProblem

QUARTER_MILLISECONDS, QUARTERS = 900_000, 96
"""As in `arrivals.lua`."""
_STEP, _READ = 200, 25
_WRONG = {
    "past": "The until field must be later than now.",
    "far": "The until field must be at most a year ahead.",
}


async def page(call: Call, query: ProblemQuery) -> Page[Problem]:
    """Those that were seen last come first."""
    if query.search or query.queue_id or query.cron_id:
        found = [one async for one in _stored(call, query) if _is_wanted(one, query)]
        found.sort(key=lambda one: (one.last_ms, one.id), reverse=True)
        total, first = len(found), (query.page - 1) * query.per_page
        ids = [one.id for one in found[first : first + query.per_page]]
    else:
        total, ids = await _newest(call, query)
    return Page(
        data=await rows(call.redis, call.team, ids),
        current_page=query.page,
        last_page=max(1, math.ceil(total / query.per_page)),
        per_page=query.per_page,
        total=total,
    )


async def _newest(call: Call, query: ProblemQuery) -> tuple[int, list[int]]:
    """How many there are in that state, or in any, and ids of a page of them.

    Nothing that it does not show is read, but what is ignored, where that may be open again.
    """
    ends = query.page * query.per_page
    states = [query.state] if query.state else list(ProblemState)
    async with call.redis.pipeline(transaction=False) as together:
        for state in states:
            listed = f"{call.team.prefix}x:{call.team.id}:problems:{state}"
            together.zcard(listed)
            together.zrange(listed, 0, ends - 1, desc=True, withscores=True)
        answers = await together.execute()
    total, found = sum(answers[::2]), [(score, one) for some in answers[1::2] for one, score in some]
    if query.state in (ProblemState.OPEN, ProblemState.IGNORED):
        stored = _listed(call, ProblemState.IGNORED)
        ignored = [one async for one in stored if one.state == query.state]
        if query.state is ProblemState.IGNORED:
            total, found = 0, []
        total, found = total + len(ignored), found + [(float(one.last_ms), str(one.id)) for one in ignored]
    found.sort(reverse=True)  # of one moment by their digits, as Redis has them: each list ends among such
    return total, [int(one) for _, one in found[ends - query.per_page : ends]]


async def rows(redis: Redis, team: Team, ids: Sequence[int]) -> list[Problem]:
    """Those of them that are there, in this order."""
    parts = [ids[start : start + _READ] for start in range(0, len(ids), _READ)]
    found = await asyncio.gather(*(_read(redis, team, part) for part in parts))
    return [one for part in found for one in part]


async def get(redis: Redis, team: Team, problem_id: int) -> Problem:
    found = await _read(redis, team, [problem_id])
    if not found:
        raise NotFound("Problem")
    return found[0]


async def update(call: Call, problem_id: int, change: ProblemUpdate) -> Problem:
    """Let it be open, ignored or resolved from now on, until it changes by itself."""
    before = await get(call.redis, call.team, problem_id)
    row = await transitions.change_problem(
        call.redis,
        call.team,
        problem=problem_id,
        state=change.state,
        until_ms=clock.milliseconds(change.until) if change.until else None,
        write=call.write(audit.changed("state", before.state, change.state)),
    )
    if row is None:
        raise NotFound("Problem")
    return _changed(row)


async def quiet(call: Call, alert_id: int, wanted: AlertQuiet) -> Problem:
    """Ignore the problem that an alert names, with the incident that it tells of."""
    row = await transitions.quiet_alert(
        call.redis,
        call.team,
        alert=alert_id,
        until_ms=clock.milliseconds(wanted.until) if wanted.until else None,
        write=call.write(audit.made(state=ProblemState.IGNORED)),
    )
    if row is None:
        raise NotFound("Alert")
    if row == "none":
        raise Conflict("This alert names no problem: there is nothing to be quiet about")
    return _changed(row)


def _changed(row: StoredProblem | str) -> Problem:
    if isinstance(row, str):
        raise Invalid("until", _WRONG[row])
    return _problem(*row)


async def _stored(call: Call, query: ProblemQuery) -> AsyncIterator[ListedProblem]:
    """All that may be wanted."""
    for of in _lists(query):
        async for row in _listed(call, of, query.search or ""):
            yield row


def _lists(query: ProblemQuery) -> Iterator[str]:
    """The owner, or states. What was ignored until a moment that is past is open, and stored as ignored."""
    if query.queue_id and query.cron_id:
        return
    if query.queue_id or query.cron_id:
        yield f"{Kind.QUEUE}{query.queue_id}" if query.queue_id else f"{Kind.CRON}{query.cron_id}"
        return
    for state in ProblemState:
        if query.state in (None, state) or (query.state, state) == (ProblemState.OPEN, ProblemState.IGNORED):
            yield state


async def _listed(call: Call, of: str, words: str = "") -> AsyncIterator[ListedProblem]:
    """All of a state or owner that may have these words."""
    offset, found = 0, _STEP
    while found == _STEP:
        found, rows = await transitions.list_problems(
            call.redis, call.team, PartOfProblems(of, offset, _STEP), words=words
        )
        offset += found
        for row in rows:
            yield row


def _is_wanted(one: ListedProblem, query: ProblemQuery) -> bool:
    return query.state in (None, one.state) and words.contains(query.search or "", one.text)


async def _read(redis: Redis, team: Team, ids: Sequence[int]) -> list[Problem]:
    return records.each("problem", await transitions.read_problems(redis, team, ids), _problem)


def _problem(*row: Any) -> Problem:
    stored = StoredProblem(*row)
    first = int(stored.now_ms) // QUARTER_MILLISECONDS - QUARTERS + 1
    return _shown(stored._replace(fields=tuple(stored.fields), now_ms=""), first)


@remembered_of_several(8 * MEBIBYTE, per_byte=2, per_entry=3000)
def _shown(stored: StoredProblem, first: int) -> Problem:
    """With its arrivals from that quarter on: most are as they were when they were last asked for."""
    fields = records.fields_of(stored.fields)
    reason, _, status = fields["reason"].partition(" ")
    host, _, path = fields["target"].partition(" ")
    kind, owner = fields["owner"][0], int(fields["owner"][1:])
    example, _, ref = fields.get("ref", "").partition(":")
    return Problem(
        id=int(stored.id),
        state=ProblemState(stored.state),
        until=_until(fields, stored.state),
        failure_reason=FailureReason(reason),
        response_status=int(status) if status else None,
        host=host or None,
        path=path or None,
        queue_id=owner if kind == Kind.QUEUE else None,
        cron_id=owner if kind == Kind.CRON else None,
        name=stored.name,
        count=int(fields["count"]),
        first_seen_at=clock.moment(fields["first"]),
        last_seen_at=clock.moment(fields["last"]),
        recovered_at=records.instant(fields, "recovered"),
        dead_letters=stored.dead_letters,
        quarters=_quarters(fields, first),
        quarters_from=clock.moment(first * QUARTER_MILLISECONDS),
        job_id=int(ref) if example == Kind.JOB else None,
        execution_id=int(ref) if example == Kind.EXECUTION else None,
        error_message=_message(fields),
    )


def _quarters(fields: Fields, first: int) -> list[int]:
    """How many came in each from the first on; most of them have no field."""
    found = [0] * QUARTERS
    for name, value in fields.items():
        if name.startswith("at") and 0 <= (place := int(name[2:]) - first) < QUARTERS:
            found[place] = int(value)
    return found


def _until(fields: Fields, state: str) -> datetime | None:
    return records.instant(fields, "until") if state == ProblemState.IGNORED else None


def _message(fields: Fields) -> str | None:
    facts = from_json(fields["facts"]) if fields.get("facts") else {}
    return facts.get("error_message")
