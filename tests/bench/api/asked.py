"""What is asked of an installation with very much stored: each read of the API, and where it differs much, each way to ask."""

import time

import httpx

READS = (
    ("a cron", "/api/crons/500"),
    ("why a cron fired", "/api/crons/500/why"),
    ("crons, the first page", "/api/crons"),
    ("crons, the last page of 100", "/api/crons?per_page=100&page=10"),
    ("crons by `q`", "/api/crons?q=nightly+zone:Europe/*"),
    ("crons by `q`, a label", "/api/crons?q=label:unit%3Du-3"),
    ("crons by `search`", "/api/crons?search=nightly"),
    ("fires to come, a day by the half hour", "/api/crons/coming"),
    ("fires to come, a month by the day", "/api/crons/coming?by=day&to={in_a_month}"),
    ("fires to come of a cron", "/api/crons/500/coming?count=100"),
    ("executions of all crons", "/api/executions"),
    ("executions, a page far behind", "/api/executions?page=400"),
    ("executions that completed", "/api/executions?filter=completed"),
    ("executions that failed", "/api/executions?filter=failed"),
    ("executions that are due", "/api/executions?filter=due"),
    ("executions that are due, 100 of them", "/api/executions?filter=due&per_page=100&page=2"),
    ("executions by `q`", "/api/executions?q=reason:http_server_error"),
    ("executions by `q`, that took long", "/api/executions?q=took:>1s"),
    ("executions of a cron", "/api/crons/500/executions"),
    ("an execution", "/api/crons/500/executions/{execution}"),
    ("backfills", "/api/backfills"),
    ("a backfill", "/api/backfills/{backfill}"),
    ("changes of many", "/api/bulk"),
    ("a change of many", "/api/bulk/{bulk}"),
    ("a job", "/api/jobs/{job}"),
    ("jobs, the first page", "/api/jobs"),
    ("jobs, 100 of them", "/api/jobs?per_page=100"),
    ("jobs, a page far behind", "/api/jobs?page={page}"),
    ("failed jobs of a queue", "/api/jobs?filter=failed&queue_id=3"),
    ("jobs by `q`, that many are", "/api/jobs?q=host:*.example.com"),
    ("jobs by `q`, that few are", "/api/jobs?q=payload.order:4242"),
    ("jobs by `q`, a label", "/api/jobs?q=label:customer%3Dc-42"),
    ("jobs by `q`, that failed of a host", "/api/jobs?q=status:failed+host:host-3.example.com"),
    ("jobs by `q`, that took long", "/api/jobs?q=took:>1s"),
    ("dead letters", "/api/dead-letters"),
    ("dead letters of a problem", "/api/dead-letters?problem_id={problem}"),
    ("dead letters by reason", "/api/dead-letters?failure_reason=http_server_error"),
    ("dead letters by `q`", "/api/dead-letters?q=code:503"),
    ("replays", "/api/dead-letters/replays"),
    ("a replay", "/api/dead-letters/replays/{replay}"),
    ("problems", "/api/problems"),
    ("problems that are open", "/api/problems?state=open"),
    ("problems by `search`", "/api/problems?search=cart"),
    ("a problem", "/api/problems/{problem}"),
    ("queues", "/api/queues"),
    ("a queue", "/api/queues/3"),
    ("keys of a queue", "/api/queues/{keyed}/keys?per_page=100"),
    ("hosts", "/api/hosts"),
    ("hosts that rest, a page behind", "/api/hosts?filter=resting&page=30"),
    ("alerts", "/api/alerts"),
    ("an alert", "/api/alerts/{alert}"),
    ("figures by the minute", "/api/stats?by=minute"),
    ("figures of a day by ten minutes", "/api/stats?by=ten_minutes"),
    ("figures of two days by ten minutes", "/api/stats?by=ten_minutes&from={two_days_ago}"),
    ("figures of a month by the hour", "/api/stats?by=hour&from={a_month_ago}"),
    ("figures of a month by the day", "/api/stats?by=day"),
    ("figures of a queue, a month by the hour", "/api/stats?by=hour&queue_id=3&from={a_month_ago}"),
    ("figures of jobs, a month by the hour", "/api/stats?by=hour&kind=jobs&from={a_month_ago}"),
    ("the audit trail", "/api/audit"),
    ("the audit trail by `q`", "/api/audit?q=nothing-has-this"),
    ("the usage", "/api/usage"),
    ("limits", "/api/settings/limits"),
    ("redaction", "/api/settings/redaction"),
    ("signing", "/api/settings/signing"),
    ("channels", "/api/settings/notifications"),
    ("the team", "/api/team"),
    ("members", "/api/members"),
    ("a member", "/api/members/{member}"),
    ("invitations", "/api/invitations"),
    ("an invitation", "/api/invitations/{invitation}"),
    ("tokens", "/api/tokens"),
    ("a token", "/api/tokens/{token}"),
)
_FIRST_OF = {
    "execution": "/api/crons/500/executions",
    "backfill": "/api/backfills",
    "bulk": "/api/bulk",
    "replay": "/api/dead-letters/replays",
    "problem": "/api/problems",
    "keyed": "/api/queues?search=keyed",
    "alert": "/api/alerts",
    "member": "/api/members",
    "invitation": "/api/invitations",
    "token": "/api/tokens",
}
"""The id of what is asked for: the first of a list."""


async def names(client: httpx.AsyncClient, n_jobs: int) -> dict[str, str]:
    """What stands in braces in the paths."""
    moments = {"in_a_month": 30, "a_month_ago": -30, "two_days_ago": -2}
    found = {name: _days_from_now(days) for name, days in moments.items()}
    for name, path in _FIRST_OF.items():
        answer = await client.get(path)
        assert answer.is_success, f"{path}: {answer.text}"
        found[name] = str(answer.json()["data"][0]["id"])
    return found | {"job": str(n_jobs // 2), "page": str(n_jobs // 50)}


def _days_from_now(days: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * 86_400))
