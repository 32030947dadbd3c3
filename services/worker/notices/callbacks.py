"""Callbacks: telling a caller's URL how a job or an execution ended."""

from pydantic_core import to_json
from redis.asyncio import Redis

from services.worker.http.outgoing import Outgoing
from services.worker.requests import USER_AGENT
from services.worker.work import Notice
from shared.actions import crons, executions, jobs
from shared.schemas.crons import Execution
from shared.schemas.jobs import Job
from shared.schemas.kinds import Kind
from shared.store import keyspace

TIMEOUT_SECONDS = 30.0
_NOT_TOLD = {"created_by"}
"""Who of the team made it is nobody's to know who is only called."""


async def callback_of(redis: Redis, work: Notice) -> Outgoing:
    """The POST about a job or execution: as its interface shows it, and what happened as `event`.

    Raises NotFound if it was deleted meanwhile.
    """
    url, subject, more = await _subject(redis, keyspace.Team(work.team, work.shard), work.subject)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "Recuro-Event": work.spec,
        "Recuro-Attempt": str(work.attempt),
        "Idempotency-Key": work.idempotency_key,
    }
    told = f'{{"event":"{work.spec}",{subject.model_dump_json(exclude=_NOT_TOLD)[1:-1]}{more}}}'
    return Outgoing("POST", url, headers, told.encode(), TIMEOUT_SECONDS, team=work.team)


async def _subject(redis: Redis, team: keyspace.Team, subject: str) -> tuple[str, Job | Execution, str]:
    """The URL, what it is told of, and fields of that which no answer has."""
    kind, *ids = subject.split(":")
    if kind == Kind.JOB:
        job = await jobs.get(redis, team, int(ids[0]))
        return job.callback_url or "", job, ""
    cron = await crons.get(redis, team, int(ids[0]))
    execution = await executions.get(redis, team, cron.id, int(ids[1]))
    return cron.callback_url or "", execution, f',"labels":{to_json(cron.labels).decode()}'
