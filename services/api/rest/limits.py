"""How much a team sent, and the limits that it sets itself."""

from shared.actions import limits
from shared.operations import Call, Operation
from shared.schemas.teams import MonthlyLimits, Usage

PATH = "/api/settings/limits"


async def usage(call: Call) -> Usage:
    return await limits.usage(call.redis, call.team)


async def show(call: Call) -> MonthlyLimits:
    return await limits.get(call)


async def put(call: Call, wanted: MonthlyLimits) -> MonthlyLimits:
    return await limits.put(call, wanted)


OPERATIONS = (
    Operation(
        "get-usage",
        "GET",
        "/api/usage",
        "read",
        usage,
        {200: Usage},
        summary="Get the requests of this month and of those before",
    ),
    Operation(
        "get-limits",
        "GET",
        PATH,
        "read",
        show,
        {200: MonthlyLimits},
        has_version=True,
        summary="Get the monthly limits",
    ),
    Operation(
        "set-limits",
        "PUT",
        PATH,
        "admin",
        put,
        {200: MonthlyLimits},
        takes=MonthlyLimits,
        has_version=True,
        summary="Set the monthly limits",
        example={"monthly_request_limit": 100000, "soft_limit": 80000},
    ),
)
