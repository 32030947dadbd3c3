"""Figures of what was started and ended, for charts."""

from shared.actions.reports import stats
from shared.operations import Call, Operation
from shared.schemas.reports.stats import Stats, StatsQuery


async def show(call: Call, query: StatsQuery) -> Stats:
    return await stats.get(call, query)


OPERATIONS = (
    Operation(
        "get-stats",
        "GET",
        "/api/stats",
        "read",
        show,
        {200: Stats},
        query=StatsQuery,
        summary="Get how much was started and ended, and how long that waited and took",
    ),
)
