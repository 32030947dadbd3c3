"""/api/jobs"""

from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import answer
from services.api.auth import team_of
from services.api.requests import body_of, id_of, query_of
from services.api.routing import at
from shared import jobs
from shared.schemas.base import Deleted
from shared.schemas.jobs import JobAccepted, JobCreate, JobQuery


async def create(request: Request) -> Response:
    team = await team_of(request, scope="write")
    asked = await body_of(request, JobCreate)
    job = await jobs.create(request.state.redis, team, asked)
    return answer(JobAccepted(queue_id=job.queue_id, job_id=job.id, scheduled_at=job.scheduled_at), 201)


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


routes = [
    at("/api/jobs", GET=index, POST=create),
    at("/api/jobs/{job_id}", GET=show, DELETE=delete),
]
