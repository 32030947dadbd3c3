"""/api/jobs"""

from pydantic import JsonValue, ValidationError
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import answer
from services.api.auth import team_of
from services.api.requests import id_of, key_of, parsed, query_of, raw_of
from services.api.routing import at
from shared import jobs, warnings
from shared.admission import Admission
from shared.errors import Invalid
from shared.jobs import Made
from shared.keyspace import Team
from shared.schemas.base import Deleted
from shared.schemas.jobs import JobAccepted, JobBatch, JobCreate, JobQuery, JobRefused, JobResults
from shared.spelling import Spelled, spelled
from shared.validation import by_field


async def create(request: Request) -> Response:
    team = await team_of(request, scope="write")
    raw = await raw_of(request)
    body = _as_spelled(parsed(raw, JobCreate), next(iter(spelled(raw)), None))
    key, asked = key_of(request, team, body), request.state.admission.admit(team, body)
    (made,) = await jobs.create_many(request.state.redis, team, [asked], key)
    return answer(_accepted(made, asked), 201)


async def create_many(request: Request) -> Response:
    """Each job of a batch is checked by itself; a wrong one does not stop the others."""
    team = await team_of(request, scope="write")
    raw = await raw_of(request)
    batch, admission = parsed(raw, JobBatch), request.state.admission
    texts = spelled(raw) or [None] * len(batch.jobs)
    checked = [_checked(job, text, team, admission) for job, text in zip(batch.jobs, texts, strict=True)]
    good = [job for job in checked if isinstance(job, JobCreate)]
    # Which are good belongs to what is asked: what is admitted may have changed since.
    key = key_of(request, team, batch, str([isinstance(job, JobCreate) for job in checked]))
    made = iter(await jobs.create_each(request.state.redis, team, good, key))
    results = [job if isinstance(job, JobRefused) else _result(next(made), job) for job in checked]
    return answer(JobResults(results=results), 200)


async def index(request: Request) -> Response:
    team = await team_of(request, scope="read")
    return answer(await jobs.page(request.state.redis, team, query_of(request, JobQuery)))


async def show(request: Request) -> Response:
    team = await team_of(request, scope="read")
    return answer(await jobs.get(request.state.redis, team, id_of(request, "Job")))


async def delete(request: Request) -> Response:
    team = await team_of(request, scope="write")
    job_id = id_of(request, "Job")
    await jobs.delete(request.state.redis, team, job_id, key_of(request, team))
    return answer(Deleted(id=job_id))


async def cancel(request: Request) -> Response:
    team = await team_of(request, scope="write")
    job_id, key = id_of(request, "Job"), key_of(request, team)
    return answer(await jobs.cancel(request.state.redis, team, job_id, key))


def _accepted(made: Made, asked: JobCreate) -> JobAccepted:
    return JobAccepted(
        queue_id=made.queue_id,
        job_id=made.id,
        scheduled_at=made.scheduled_at,
        warnings=tuple(warnings.of_job(asked, is_paused=made.is_paused)),
    )


def _result(made: Made | None, asked: JobCreate) -> JobAccepted | JobRefused:
    if made is None:
        return JobRefused(message=jobs.TOO_LATE, errors={"expires_at": [jobs.TOO_LATE]})
    return _accepted(made, asked)


def _as_spelled(asked: JobCreate, text: str | None) -> JobCreate:
    """With the payload's numbers as they were written."""
    if text is None or asked.payload is None:
        return asked
    return asked.model_copy(update={"payload": Spelled(asked.payload, text)})


def _checked(job: JsonValue, text: str | None, team: Team, admission: Admission) -> JobCreate | JobRefused:
    try:
        asked = _as_spelled(JobCreate.model_validate_json(to_json(job)), text)
        asked = admission.admit(team, asked)
    except ValidationError as error:
        errors = by_field(error, JobCreate)
    except Invalid as error:
        errors = {error.field: [str(error)]}
    else:
        return asked
    return JobRefused(message=next(iter(errors.values()))[0], errors=errors)


routes = [
    at("/api/jobs", GET=index, POST=create),
    at("/api/jobs/batch", look="/api/jobs", POST=create_many),
    at("/api/jobs/{job_id}/cancel", look="/api/jobs/{job_id}", POST=cancel),
    at("/api/jobs/{job_id}", GET=show, DELETE=delete),
]
