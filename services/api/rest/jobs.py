"""Jobs: what is called once, from a queue."""

from collections.abc import Iterator, Sequence

from pydantic import JsonValue, ValidationError
from pydantic_core import to_json

from services.api.rest import bulk
from shared.actions import jobs, warnings
from shared.actions.jobs import NotMade, QueuedJob
from shared.basics.spelling import Spelled, spelled
from shared.errors import Forbidden, Invalid
from shared.operations import Call, Operation
from shared.schemas.base import Deleted, Page, WaitQuery
from shared.schemas.jobs import (
    Job,
    JobBatchCreate,
    JobBatchResults,
    JobCreate,
    JobQuery,
    JobRefused,
    JobScheduled,
    JobUpdate,
)
from shared.schemas.validation import by_field
from shared.security.admission import Admission
from shared.store.keyspace import Team

PATH = "/api/jobs"
ONE = f"{PATH}/{{job_id}}"
Checked = Sequence[JobCreate | JobRefused]
"""Each job of a batch is checked by itself; a wrong one does not stop the others."""


async def create(call: Call, job: JobCreate) -> JobScheduled:
    made = await jobs.create(call, job)
    (said,) = await warnings.made_jobs(call.redis, call.team, [job], [made])
    return _accepted(made, said)


async def create_many(call: Call, checked: Checked) -> JobBatchResults:
    good = [job for job in checked if isinstance(job, JobCreate)]
    each = await jobs.create_each(call, good)
    stored = [(job, one) for job, one in zip(good, each, strict=True) if isinstance(one, QueuedJob)]
    said = iter(await warnings.made_jobs(call.redis, call.team, *_unzipped(stored)))
    made = iter([_refused(one) if isinstance(one, NotMade) else _accepted(one, next(said)) for one in each])
    return JobBatchResults(results=[job if isinstance(job, JobRefused) else next(made) for job in checked])


def _unzipped(stored: Sequence[tuple[JobCreate, QueuedJob]]) -> tuple[list[JobCreate], list[QueuedJob]]:
    return [job for job, _ in stored], [one for _, one in stored]


async def index(call: Call, query: JobQuery) -> Page[Job]:
    return await jobs.page(call.redis, call.team, query, call.maker)


async def show(call: Call, job_id: int, query: WaitQuery) -> Job:
    """As it is once its chain has ended or the wait is over."""
    if query.wait is None:
        return await jobs.get(call.redis, call.team, job_id, call.maker)
    return await jobs.get_ended(call, job_id, query.wait, f"{PATH}/{job_id}")


async def delete(call: Call, job_id: int) -> Deleted:
    await jobs.delete(call, job_id)
    return Deleted(id=job_id)


async def update(call: Call, job_id: int, change: JobUpdate) -> Job:
    return await jobs.move(call, job_id, change)


async def cancel(call: Call, job_id: int) -> Job:
    return await jobs.cancel(call, job_id)


def _accepted(made: QueuedJob, said: tuple[str, ...]) -> JobScheduled:
    return JobScheduled(queue_id=made.queue_id, job_id=made.id, scheduled_at=made.scheduled_at, warnings=said)


def _refused(one: NotMade) -> JobRefused:
    return JobRefused(message=one.sentence, errors={one.field: [one.sentence]})


def _prepared(admission: Admission, team: Team, job: JobCreate, raw: bytes) -> JobCreate:
    return as_spelled(admission.admit(team, job), next(iter(spelled(raw)), None))


def _prepared_batch(admission: Admission, team: Team, batch: JobBatchCreate, raw: bytes) -> Checked:
    texts = spelled(raw) or [None] * len(batch.jobs)
    return [_checked(job, text, team, admission) for job, text in zip(batch.jobs, texts, strict=True)]


def _checked(job: JsonValue, text: str | None, team: Team, admission: Admission) -> JobCreate | JobRefused:
    try:
        return as_spelled(admission.admit(team, JobCreate.model_validate_json(to_json(job))), text)
    except ValidationError as error:
        errors = by_field(error, JobCreate)
    except (Invalid, Forbidden) as error:  # also what the token may not reach stops no other job
        errors = {error.field: [str(error)]}
    return JobRefused(message=next(iter(errors.values()))[0], errors=errors)


def as_spelled(job: JobCreate, text: str | None) -> JobCreate:
    """With the payload's numbers as they were written."""
    if text is None or job.payload is None:
        return job
    return job.model_copy(update={"payload": Spelled(job.payload, text)})


def _key_parts(checked: Checked) -> Iterator[str]:
    """Which jobs are good belongs to the request of a key: what is admitted may have changed since."""
    yield str([isinstance(job, JobCreate) for job in checked])


OPERATIONS = (
    Operation(
        "list-jobs",
        "GET",
        PATH,
        "read",
        index,
        {200: Page[Job]},
        query=JobQuery,
        summary="List jobs, newest first",
    ),
    Operation(
        "create-job",
        "POST",
        PATH,
        "write",
        create,
        {201: JobScheduled},
        takes=JobCreate,
        prepare=_prepared,
        summary="Schedule a job",
        example={
            "queue": "mail",
            "url": "https://api.example.com/send",
            "payload": {"order": 42},
            "delay": 60,
        },
    ),
    Operation(
        "create-jobs",
        "POST",
        f"{PATH}/batch",
        "write",
        create_many,
        {200: JobBatchResults},
        takes=JobBatchCreate,
        prepare=_prepared_batch,
        key_parts=_key_parts,
        look=PATH,
        summary="Schedule up to 1,000 jobs at once",
        example={
            "jobs": [{"queue": "mail", "url": "https://api.example.com/send", "payload": {"order": 42}}]
        },
    ),
    bulk.OF_JOBS,
    Operation(
        "cancel-job",
        "POST",
        f"{ONE}/cancel",
        "write",
        cancel,
        {200: Job},
        look=ONE,
        summary="Cancel a job that waits or runs",
    ),
    Operation(
        "get-job",
        "GET",
        ONE,
        "read",
        show,
        {200: Job},
        query=WaitQuery,
        awaits_end=True,
        summary="Get a job with its run, at once or when it has ended",
    ),
    Operation(
        "update-job",
        "PATCH",
        ONE,
        "write",
        update,
        {200: Job},
        takes=JobUpdate,
        summary="Move a job that waits to another moment",
        example={"at": "2026-12-24T18:00:00Z"},
    ),
    Operation("delete-job", "DELETE", ONE, "write", delete, {200: Deleted}, summary="Delete a job"),
)
