"""The tools, over the same actions that REST calls: the nine of the reference first, in its order."""

from typing import Any

from services.mcp.tools import batches, channels, crons, executions, jobs, many, queues, status
from services.mcp.tools.tool import Tool as Tool

_ROWS = (
    *crons.TOOLS,
    *jobs.TOOLS,
    *executions.TOOLS,
    *batches.TOOLS,
    *many.TOOLS,
    *queues.TOOLS,
    *status.TOOLS,
    *channels.TOOLS,
)
TOOLS: dict[str, Tool[Any]] = {row.name: row for row in _ROWS}
