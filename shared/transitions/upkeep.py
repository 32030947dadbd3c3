"""Counts compared and set right."""

from redis.asyncio import Redis

from shared.keyspace import Team
from shared.transitions.functions import Function

_AUDIT = Function("audit")


async def audit(redis: Redis, team: Team, *, noun: str, repair: bool) -> list[tuple[str, int, int]]:
    """Recount `job` or `execution` of a ledger from the indexes, and with `repair` set it to that.

    What differed: column, as the ledger had it, as counted.
    """
    rows = await _AUDIT(redis, team.prefix, team=team.id, noun=noun, repair=repair)
    return [(column, posted, counted) for column, posted, counted in rows]
