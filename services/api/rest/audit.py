"""Who changed what."""

from shared.actions import audit
from shared.operations import Call, Operation
from shared.schemas.accounts.audit import AuditPage, AuditQuery

PATH = "/api/audit"


async def index(call: Call, query: AuditQuery) -> AuditPage:
    return await audit.page(call.redis, call.team, query)


OPERATIONS = (
    Operation(
        "list-audit",
        "GET",
        PATH,
        "admin",
        index,
        {200: AuditPage},
        query=AuditQuery,
        summary="List what was changed, by whom and why, newest first",
    ),
)
