"""Dead letters: jobs whose retries are used up, their replay and their purge."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from shared.schemas.base import NO_BOOL, Id, Instant, Schema, SearchQuery
from shared.schemas.instants import Given
from shared.schemas.runs import FailureReason

MOST_IDS = 1000

Ids = Annotated[
    tuple[Id, ...],
    Field(min_length=1, max_length=MOST_IDS, description="Dead letters, each by any id of its chain"),
]


class DeadLetterQuery(SearchQuery):
    """A search looks in the URL."""

    queue_id: Annotated[Id | None, Field(description="Only those of this queue")] = None
    failure_reason: Annotated[FailureReason | None, Field(description="Only those that ended so")] = None
    problem_id: Annotated[Id | None, Field(description="Only those of this problem")] = None


class DeadLetterSelection(Schema):
    """Which dead letters: the given `ids`, those that match all given filters, or with `all` the team's."""

    ids: Ids | None = None
    all: bool = False
    queue_id: Annotated[Id | None, Field(description="Those of this queue")] = None
    problem_id: Annotated[Id | None, Field(description="Those of this problem")] = None
    search: Annotated[
        str | None, Field(min_length=1, max_length=200, description="Those with this in the URL")
    ] = None
    failure_reason: Annotated[FailureReason | None, Field(description="Those that ended so")] = None
    dead_lettered_before: Annotated[Given | None, Field(description="Those from before")] = None

    @property
    def is_filtered(self) -> bool:
        """Whether their records must be read, beside an index: a problem has one, as a queue has."""
        given = (self.search, self.failure_reason, self.dead_lettered_before)
        return any(value is not None for value in given) or bool(self.queue_id and self.problem_id)

    @model_validator(mode="after")
    def _one_way(self) -> "DeadLetterSelection":
        filtered = self.is_filtered or self.queue_id is not None or self.problem_id is not None
        if [self.ids is not None, self.all, filtered].count(True) != 1:
            raise ValueError("The body must have either ids, or filters, or all: true")
        return self


class ReplayCreate(DeadLetterSelection):
    """With `ids` alone, the replay is done at once; otherwise in the background."""

    rate: Annotated[
        Annotated[int, Field(ge=1, le=1000), NO_BOOL] | None,
        Field(description="Jobs a second; 50 by default"),
    ] = None
    stop_after_failures: Annotated[
        Annotated[int, Field(ge=1, le=10_000), NO_BOOL] | None,
        Field(description="Stop when so many have failed again; null is never"),
    ] = 10

    @property
    def is_at_once(self) -> bool:
        return self.ids is not None and self.rate is None


class JobReplayed(Schema):
    job_id: int
    new_job_id: int
    original_job_id: int


class JobSkipped(Schema):
    job_id: int
    reason: str
    new_job_id: int | None = None
    original_job_id: int | None = None


class ReplayResult(Schema):
    replayed: list[JobReplayed]
    skipped: list[JobSkipped]


class ReplayState(StrEnum):
    COLLECTING = "collecting"
    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    CANCELLED = "cancelled"


class Replay(Schema):
    """A replay in the background; `completed` and `failed` count first attempts of the jobs it made.

    `waiting` jobs wait until their host answers again. The replay pauses while these and the failed ones
    together are as many as the replay stops after.
    """

    id: int
    state: ReplayState
    total: int
    replayed: int
    skipped: int
    completed: int
    failed: int
    waiting: int
    rate: int
    stop_after_failures: int | None
    created_at: Instant
    ended_at: Instant | None


class PurgeResult(Schema):
    """At least `remaining` more are left: repeat the purge while it is not 0."""

    purged: int
    remaining: int
