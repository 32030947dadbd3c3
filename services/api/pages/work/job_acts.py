"""What is done to one job: it is cancelled, replayed or deleted, after a question."""

from starlette.responses import Response

from services.api.pages.endpoint import Look, page, to
from services.api.pages.forms import Form
from services.api.pages.shell import Question, confirm_page
from services.api.pages.visits import Visit
from services.api.pages.work.jobs import ONE, path_of
from shared.actions import dead_letters, jobs
from shared.errors import Conflict


def _asks(title: str, sentence: str, button: str) -> Look:
    """The page that asks before something is done to a job."""

    async def ask(visit: Visit) -> Response:
        signed = await visit.in_team()
        call = visit.call(signed, "get-job")
        job = await jobs.get(call.redis, call.team, visit.id("job", "Job"))
        question = Question(title.format(job.original_job_id), sentence, button)
        return await confirm_page(visit, signed, question, section="jobs", back=path_of(signed, job.id))

    return ask


ask_cancel = _asks(
    "Cancel job {}?",
    "What waits of it is not sent. A request that runs is broken off within moments; its target may have "
    "done its part already.",
    "Cancel the job",
)
ask_replay = _asks(
    "Replay job {}?",
    "A new job is made with the same request, all its retries and a new Idempotency-Key. It is sent at once.",
    "Replay the job",
)
ask_delete = _asks(
    "Delete job {}?",
    "It goes with all its attempts and what came back. No retry is sent. This cannot be undone.",
    "Delete the job",
)


async def cancel(visit: Visit, form: Form) -> Response:
    signed = await visit.in_team()
    job = await jobs.cancel(visit.call(signed, "cancel-job", form.once), visit.id("job", "Job"))
    return to(path_of(signed, job.original_job_id))


async def replay(visit: Visit, form: Form) -> Response:
    """To the new job; raises NotFound if there is no such job, Conflict if it is no dead letter any more."""
    signed = await visit.in_team()
    call, job_id = visit.call(signed, "replay-dead-letters", form.once), visit.id("job", "Job")
    done = await dead_letters.replay_now(call, [job_id])
    if not done.replayed:
        await jobs.get(call.redis, call.team, job_id)  # raises NotFound
        raise Conflict(f"The job was not replayed: {done.skipped[0].reason}")
    return to(path_of(signed, done.replayed[0].new_job_id))


async def delete(visit: Visit, form: Form) -> Response:
    signed = await visit.in_team()
    await jobs.delete(visit.call(signed, "delete-job", form.once), visit.id("job", "Job"))
    return to(path_of(signed, "").rstrip("/"))


routes = [
    page(f"{ONE}/cancel", ask_cancel, cancel),
    page(f"{ONE}/replay", ask_replay, replay),
    page(f"{ONE}/delete", ask_delete, delete),
]
