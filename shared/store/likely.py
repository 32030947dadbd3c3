"""A job together with the name of who probably made it: most are asked for by who made them."""

from collections.abc import Mapping, Sequence

from redis.asyncio import Redis

from shared.store import connection, transitions
from shared.store.keyspace import Team
from shared.store.transitions import StoredJob


async def read_job(
    redis: Redis, team: Team, job_id: int, maker: str | None
) -> tuple[Sequence[StoredJob], Mapping[str, str]]:
    """The job, if it is there, and what that maker is called now, if that could be read."""
    if maker:
        rows, names = await connection.exchange(
            redis,
            transitions.read_job_command(team, job_id),
            transitions.name_makers_command(team=team.id, codes=[maker]),
        )
        if not transitions.is_missing(rows):
            if isinstance(rows, Exception):
                raise connection.translated(rows)
            known = {} if isinstance(names, Exception) else transitions.names_of([maker], names)
            return [StoredJob(*row) for row in rows], known
    return await transitions.read_jobs(redis, team, [job_id], with_runs=True, most_bytes=0), {}
