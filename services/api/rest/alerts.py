"""The alerts of a team, sent to its channels or not."""

from shared.actions import alerts
from shared.actions.reports import problems
from shared.operations import Call, Operation
from shared.schemas.alerts import Alert, AlertPage, AlertQuery, AlertQuiet, AlertResend
from shared.schemas.reports.problems import Problem

PATH = "/api/alerts"


async def index(call: Call, query: AlertQuery) -> AlertPage:
    return await alerts.listed(call.redis, call.team, query)


async def show(call: Call, alert_id: int) -> Alert:
    return await alerts.get(call.redis, call.team, alert_id)


async def quiet(call: Call, alert_id: int, wanted: AlertQuiet) -> Problem:
    return await problems.quiet(call, alert_id, wanted)


async def resend(call: Call, alert_id: int, wanted: AlertResend) -> Alert:
    return await alerts.resend(call, alert_id, wanted.channel)


OPERATIONS = (
    Operation(
        "list-alerts",
        "GET",
        PATH,
        "read",
        index,
        {200: AlertPage},
        query=AlertQuery,
        summary="List alerts, newest first",
    ),
    Operation("get-alert", "GET", f"{PATH}/{{alert_id}}", "read", show, {200: Alert}, summary="Get an alert"),
    Operation(
        "quiet-alert",
        "POST",
        f"{PATH}/{{alert_id}}/quiet",
        "write",
        quiet,
        {200: Problem},
        takes=AlertQuiet,
        look=f"{PATH}/{{alert_id}}",
        summary="Send nothing more of what an alert tells of, until it recovers or until a moment",
        example={"until": None},
    ),
    Operation(
        "resend-alert",
        "POST",
        f"{PATH}/{{alert_id}}/resend",
        "write",
        resend,
        {200: Alert},
        takes=AlertResend,
        look=f"{PATH}/{{alert_id}}",
        summary="Send the message of an alert again, by the channels that failed or by another one",
        example={"channel": "slack"},
    ),
)
