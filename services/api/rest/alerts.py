"""The alerts of a team, sent to its channels or not."""

from shared.actions import alerts
from shared.operations import Call, Operation
from shared.schemas.alerts import Alert, AlertQuery
from shared.schemas.base import Page

PATH = "/api/alerts"


async def index(call: Call, query: AlertQuery) -> Page[Alert]:
    return await alerts.page(call.redis, call.team, query)


async def show(call: Call, alert_id: int) -> Alert:
    return await alerts.get(call.redis, call.team, alert_id)


OPERATIONS = (
    Operation(
        "list-alerts",
        "GET",
        PATH,
        "read",
        index,
        {200: Page[Alert]},
        query=AlertQuery,
        summary="List alerts, newest first",
    ),
    Operation("get-alert", "GET", f"{PATH}/{{alert_id}}", "read", show, {200: Alert}, summary="Get an alert"),
)
