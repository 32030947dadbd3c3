"""Dead letters: jobs whose retries are used up, their replay and their purge."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from shared.schemas.base import (
    NO_BOOL,
    HeadersMerged,
    Id,
    Instant,
    Method,
    OlderQuery,
    Schema,
    Timeout,
    Url,
    Warnings,
)
from shared.schemas.instants import Given
from shared.schemas.jobs import Payload
from shared.schemas.runs import FailureReason

MOST_IDS = 1000
_SERVER_ALONE = re.compile(r"https?://[^/?#]+/?\Z", re.IGNORECASE)

Ids = Annotated[
    tuple[Id, ...],
    Field(min_length=1, max_length=MOST_IDS, description="Dead letters, each by any id of its chain"),
]


class DeadLetterQuery(OlderQuery):
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
    dead_lettered_after: Annotated[Given | None, Field(description="Those from then on")] = None

    @property
    def is_filtered(self) -> bool:
        """Whether their records must be read, beside an index: a problem has one, as a queue has."""
        given = self.search, self.failure_reason, self.dead_lettered_before, self.dead_lettered_after
        return any(value is not None for value in given) or bool(self.queue_id and self.problem_id)

    @model_validator(mode="after")
    def _one_way(self) -> "DeadLetterSelection":
        filtered = self.is_filtered or self.queue_id is not None or self.problem_id is not None
        if [self.ids is not None, self.all, filtered].count(True) != 1:
            raise ValueError("The body must have either ids, or filters, or all: true")
        return self


def _check_origin(value: str) -> str:
    if not _SERVER_ALONE.match(value):
        raise ValueError("must be scheme, host and port alone, as https://new.example.com; paths stay")
    return value


class ReplayChange(Schema):
    """What is asked for instead; a field that is not given stays as it was stored."""

    url: Annotated[Url | None, Field(description="Of exactly one dead letter: where it goes instead")] = None
    origin: Annotated[
        Annotated[Url, AfterValidator(_check_origin)] | None,
        Field(description="Scheme, host and port instead; path and query stay"),
    ] = None
    method: Annotated[Method | None, Field(description="HTTP method")] = None
    headers: Annotated[
        HeadersMerged | None, Field(description="Put among the stored ones by name; null removes one")
    ] = None
    payload: Annotated[Payload | None, Field(description="JSON request body, instead of any body")] = None
    body: Annotated[
        str | None, Field(max_length=1_048_576, description="Raw request body, instead of any; null is none")
    ] = None
    timeout_seconds: Annotated[
        Timeout | None, Field(description="Total deadline; null is the queue's own")
    ] = None

    @model_validator(mode="after")
    def _makes_sense(self) -> "ReplayChange":
        if not self.model_fields_set:
            raise ValueError("The change field must name what is changed")
        if self.url is not None and self.origin is not None:
            raise ValueError("The change field must have url or origin, not both")
        if {"payload", "body"} <= self.model_fields_set:
            raise ValueError("The change field must have payload or body, not both")
        return self

    @property
    def is_of_one(self) -> bool:
        """Whether several jobs must not all become this."""
        own_key = any(name.lower() == "idempotency-key" and value for name, value in self.merged.items())
        return self.url is not None or own_key

    @property
    def merged(self) -> dict[str, str | None]:
        return self.headers or {}


class ReplayCreate(DeadLetterSelection):
    """With `ids` alone, and maybe a `change`, it is done at once; otherwise in the background."""

    rate: Annotated[
        Annotated[int, Field(ge=1, le=1000), NO_BOOL] | None,
        Field(description="Jobs a second; 50 by default"),
    ] = None
    stop_after_failures: Annotated[
        Annotated[int, Field(ge=1, le=10_000), NO_BOOL] | None,
        Field(description="Stop when so many have failed again; null is never"),
    ] = 10
    send_one_first: Annotated[
        bool, Field(description="Send one, and the others only if its first attempt goes well")
    ] = False
    expected_count: Annotated[
        Annotated[int, Field(ge=0, le=2**53), NO_BOOL] | None,
        Field(description="Refuse, and send nothing, if another number is chosen now"),
    ] = None
    change: Annotated[ReplayChange | None, Field(description="What is asked for instead")] = None
    dry_run: Annotated[bool, Field(description="Change nothing, and say what would be done")] = False

    @property
    def is_at_once(self) -> bool:
        return (
            self.ids is not None
            and self.rate is None
            and not self.send_one_first
            and self.expected_count is None
        )

    @model_validator(mode="after")
    def _goes_together(self) -> "ReplayCreate":
        if self.dry_run and self.expected_count is not None:
            raise ValueError("The expected_count field does not go with dry_run, which says the number")
        if self.change and self.change.is_of_one and (self.ids is None or len(self.ids) != 1):
            raise ValueError(
                "The change field may have a url, or an Idempotency-Key, only for exactly one of ids; "
                "origin moves many"
            )
        return self


class JobReplayed(Schema):
    job_id: int
    new_job_id: int
    original_job_id: int


class JobSkipped(Schema):
    job_id: int
    reason: str
    new_job_id: int | None = None
    original_job_id: int | None = None


class Share(Schema):
    name: str
    count: int


class ReplayPlan(Schema):
    """What a replay would do now; lists have the largest 20, the largest first.

    If `has_more`, the dead letters after the first `looked_at` were not looked at.
    """

    selected: Annotated[int, Field(description="Dead letters that are chosen: what `expected_count` means")]
    would_replay: int
    skipped: Annotated[list[Share], Field(description="By reason: of what is chosen, what would not be sent")]
    by_queue: list[Share]
    by_host: Annotated[list[Share], Field(description="Where they would be sent")]
    by_failure_reason: list[Share]
    drops_headers: Annotated[
        list[Share], Field(description="Secrets that would not go along to another destination")
    ]
    seconds: Annotated[int, Field(description="How long it takes to hand them out at the rate")]
    looked_at: int
    has_more: bool


class ReplayResult(Schema):
    replayed: list[JobReplayed]
    skipped: list[JobSkipped]
    plan: Annotated[
        ReplayPlan | None,
        Field(description="Only of a dry run", exclude_if=lambda plan: plan is None),
    ] = None
    warnings: Warnings = ()


class ReplayState(StrEnum):
    COLLECTING = "collecting"
    TRYING = "trying"
    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    CANCELLED = "cancelled"


class ReplayReason(StrEnum):
    """Why a replay ended before all were handed out."""

    FAILURES = "failures"
    FIRST_FAILED = "first_failed"
    FIRST_GONE = "first_gone"
    EXPECTED_COUNT = "expected_count"
    INTERRUPTED = "interrupted"
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
    reason: ReplayReason | None
    first_job_id: Annotated[int | None, Field(description="The job that is sent before the others")]
    changes: Annotated[tuple[str, ...], Field(description="Which fields of the requests it changes")]
    warnings: Warnings = ()


class PurgeResult(Schema):
    """At least `remaining` more are left: repeat the purge while it is not 0."""

    purged: int
    remaining: int
