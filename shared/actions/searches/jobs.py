"""What may be searched for among jobs and dead letters."""

from collections.abc import Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from shared.actions.job_records import ENDED, FAILED, STATES
from shared.actions.searches import looks, queries
from shared.actions.searches.looks import LookedJob, host_of
from shared.basics import search
from shared.basics.search import Key, Search
from shared.schemas.base import Method
from shared.schemas.jobs import JobFilter
from shared.schemas.runs import FailureReason
from shared.store.keyspace import Team

RUN, PAYLOAD, FIELDS = search.RUN, "payload", "fields"
"""What is read of a job only where a search needs it."""


class Beside(NamedTuple):
    """What is wanted of jobs beside a search: words of the URL, and the reason by which the run failed."""

    words: str = ""
    reason: str | None = None
    with_fields: bool = False
    """Whether fields are read in any case."""


NOTHING_BESIDE = Beside()


def _statuses(job: LookedJob) -> list[str]:
    """`retrying` and `dead_lettered` jobs are failed too."""
    return [job.status, *([job.final_status] if job.final_status else [])]


def _ran(name: str) -> Key[LookedJob]:
    key: Key[LookedJob] = search.number(lambda job: getattr(job.run, name, None), needs=RUN, is_written=True)
    return looks.of_run(key, name)


KEYS: dict[str, Key[LookedJob]] = {
    "status": search.several(
        _statuses, needs=FIELDS, choices=[one.value for one in JobFilter if one != JobFilter.ALL]
    ),
    "queue": search.word(lambda job: job.queue),
    "host": search.word(lambda job: host_of(job.url), is_written=True),
    "method": search.word(lambda job: job.method, choices=[one.value.lower() for one in Method]),
    "reason": search.word(
        lambda job: getattr(job.run, "failure_reason", None),
        needs=RUN,
        choices=[one.value for one in FailureReason],
        is_written=True,
    ),
    "code": _ran("response_status"),
    "took": looks.of_run(
        search.seconds(
            lambda job: job.run.duration_ms / 1000 if job.run and job.run.duration_ms is not None else None,
            needs=RUN,
        ),
        "duration_ms",
        1000,
    ),
    "attempt": search.number(lambda job: job.attempt_number, needs=FIELDS),
    "since": search.since(lambda job: job.created_at, needs=FIELDS),
    "until": search.until(lambda job: job.created_at, needs=FIELDS),
    "label": search.labels(lambda job: job.labels),
    "key": search.word(lambda job: job.idempotency_key, needs=FIELDS),
    "by": looks.MADE_BY,
    "payload.": search.word(lambda job: job.payload, needs=PAYLOAD, is_written=True),
}


async def understood(redis: Redis, team: Team, text: str | None) -> Search[LookedJob]:
    """Raises Invalid for what cannot be understood."""
    return await queries.understood(redis, team, text, KEYS, lambda job: (job.url,))


def states_of(wanted: Search[LookedJob], states: Sequence[str] = STATES) -> Sequence[str]:
    """Those of the states that it leaves: a search through fewer jobs gets further back.

    What is known of a run only jobs that ended have, and a reason only those that failed.
    """
    if wanted.only("reason") is not None:
        states = [state for state in states if state in FAILED]
    elif wanted.needs(RUN, of_each=True):
        states = [state for state in states if state in ENDED]
    if (only := wanted.only("status")) is None:
        return states
    return [state for state in states if state in only or (state in FAILED and "failed" in only)]
