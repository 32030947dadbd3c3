"""/api/jobs"""

from pydantic import JsonValue, ValidationError
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import answer
from services.api.auth import team_of
from services.api.requests import body_of, id_of, key_of, query_of
from services.api.routing import at
from shared import jobs, warnings
from shared.admission import Admission
from shared.errors import Invalid
from shared.jobs import Made
from shared.keyspace import Team
from shared.schemas.base import Deleted
from shared.schemas.jobs import JobAccepted, JobBatch, JobCreate, JobQuery, JobRefused, JobResults
from shared.validation import by_field


async def create(request: Request) -> Response:
    team = await team_of(request, scope="write")
    asked = request.state.admission.admit(team, await body_of(request, JobCreate))
    (made,) = await jobs.create_many(request.state.redis, team, [asked], key_of(request))
    return _told(answer(_accepted(made, asked), 201), made.is_replayed)


async def create_many(request: Request) -> Response:
    """Each job of a batch is checked by itself; a wrong one does not stop the others."""
    team = await team_of(request, scope="write")
    batch = await body_of(request, JobBatch)
    checked = [_checked(job, team, request.state.admission) for job in batch.jobs]
    good = [job for job in checked if isinstance(job, JobCreate)]
    stored = await jobs.create_many(request.state.redis, team, good, key_of(request)) if good else []
    made = iter(stored)
    results = [job if isinstance(job, JobRefused) else _accepted(next(made), job) for job in checked]
    return _told(answer(JobResults(results=results), 200), any(job.is_replayed for job in stored))


async def index(request: Request) -> Response:
    team = await team_of(request, scope="read")
    return answer(await jobs.page(request.state.redis, team, query_of(request, JobQuery)))


async def show(request: Request) -> Response:
    team = await team_of(request, scope="read")
    return answer(await jobs.get(request.state.redis, team, id_of(request, "Job")))


async def delete(request: Request) -> Response:
    team = await team_of(request, scope="write")
    job_id = id_of(request, "Job")
    await jobs.delete(request.state.redis, team, job_id)
    return answer(Deleted(id=job_id))


async def cancel(request: Request) -> Response:
    team = await team_of(request, scope="write")
    return answer(await jobs.cancel(request.state.redis, team, id_of(request, "Job")))


def _accepted(made: Made, asked: JobCreate) -> JobAccepted:
    return JobAccepted(
        queue_id=made.queue_id,
        job_id=made.id,
        scheduled_at=made.scheduled_at,
        warnings=tuple(warnings.of_job(asked, is_paused=made.is_paused)),
    )


def _checked(job: JsonValue, team: Team, admission: Admission) -> JobCreate | JobRefused:
    try:
        asked = admission.admit(team, JobCreate.model_validate_json(to_json(job)))
        jobs.check_expiry(asked)
    except ValidationError as error:
        errors = by_field(error, JobCreate)
    except Invalid as error:
        errors = {error.field: [str(error)]}
    else:
        return asked
    return JobRefused(message=next(iter(errors.values()))[0], errors=errors)


def _told(response: Response, is_replayed: bool) -> Response:
    if is_replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


routes = [
    at("/api/jobs", GET=index, POST=create),
    at("/api/jobs/batch", POST=create_many),
    at("/api/jobs/{job_id}/cancel", POST=cancel),
    at("/api/jobs/{job_id}", GET=show, DELETE=delete),
]
