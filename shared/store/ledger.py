"""A team's ledger: accepted = pending + processing + completed + failed + skipped + deleted, always."""

from dataclasses import dataclass

from redis.asyncio import Redis

from shared.store import keyspace
from shared.store.keyspace import Team


@dataclass(frozen=True, slots=True)
class Ledger:
    """How many jobs (or executions) a team has made, and in which state they are."""

    accepted: int
    pending: int
    processing: int
    completed: int
    failed: int
    skipped: int
    """Executions only: fires that did not run."""
    deleted: int

    @property
    def holds(self) -> bool:
        ended = self.completed + self.failed + self.skipped
        return self.accepted == self.pending + self.processing + ended + self.deleted


async def kept_bytes(redis: Redis, team: Team) -> int:
    """The bytes of the team's ended jobs and executions: their specs and their runs."""
    return int(await redis.hget(keyspace.ledger(team), "bytes") or 0)  # type: ignore[misc]


async def read(redis: Redis, team: Team, noun: str = "job") -> Ledger:
    """The team's ledger of `job` or `execution`, read at one instant."""
    fields: dict[str, str] = await redis.hgetall(keyspace.ledger(team))  # type: ignore[misc]
    return Ledger(**{column: int(fields.get(f"{noun}.{column}", 0)) for column in Ledger.__slots__})
