"""The script that every outside client plays: each tool with input that is good, and with input that is not."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple


class Played(NamedTuple):
    """One call: what it must say if it is refused, and the name under which the id of its answer is kept."""

    tool: str
    arguments: dict[str, Any]
    says: str = ""
    saves: str = ""


CRON = {"name": "ping", "url": "https://api.example.com/health", "cron_expression": "*/5 * * * *"}
AS_TEXT = {"headers": '{"X-A": "1"}', "payload": {"event": "sync"}, "callback_url": None, "delay": "0"}
JOB = {"queue": "webhooks", "url": "https://api.example.com/sync", "method": "post", **AS_TEXT}
NOBODYS = 999_999_999
CALLS = (
    Played("explain-cron", {"cron_expression": "0 9 * * 1", "timezone": "Europe/Berlin"}),
    Played("explain-cron", {"cron_expression": "now and then"}, "cron_expression"),
    Played("create-cron", CRON, saves="cron"),
    Played("create-cron", {"name": "ping"}, "- url: The url field is required."),
    Played("create-cron", {**CRON, "url": "", "mode": "heartbeat", "grace_seconds": 60}),
    Played("create-cron", {**CRON, "mode": "heartbeat"}, "does not go with mode heartbeat"),
    Played("get-cron", {"id": "$cron"}),
    Played("get-cron", {"id": NOBODYS}, "Cron not found"),
    Played("run-cron", {"id": "$cron"}),
    Played("run-cron", {"id": "$cron", "wait_seconds": 51}, "wait_seconds"),
    Played("update-cron", {"id": "$cron", "is_active": False, "headers": None}),
    Played("update-cron", {"id": "$cron", "methd": "GET"}, "did you mean method?"),
    Played("list-crons", {"filter": "paused", "search": None}),
    Played("list-crons", {"filter": "asleep"}, "filter"),
    Played("list-executions", {"cron_id": "$cron", "from": "24h"}),
    Played("list-executions", {"from": "some day"}, "from"),
    Played("create-crons", {"crontab": "0 2 * * * curl https://a.example.com/report"}),
    Played("create-crons", {"crontab": "0 2 * * * rm -r /tmp/old"}, "crontab"),
    Played("update-crons", {"ids": ["$cron"], "changes": {"timezone": "Europe/Berlin"}}),
    Played("update-crons", {"q": "ping", "changes": {"timezone": "UTC"}}, "expected_count"),
    Played("create-job", {**JOB, "key": "customer 7"}, saves="job"),
    Played("create-job", {**JOB, "at": "tomorrow"}, "- at: "),
    Played("create-job", {"queue": "webhooks"}, "- url: The url field is required."),
    Played("get-job", {"id": "$job"}),
    Played("get-job", {"id": NOBODYS}, "Job not found"),
    Played("list-jobs", {"queue": "webhooks", "filter": "ALL"}),
    Played("list-jobs", {"page": 0}, "page"),
    Played("list-queues", {}),
    # No text: the Inspector makes null of one that is no number, which is "not given".
    Played("list-queues", {"page": 0}, "page"),
    Played("update-queue", {"queue": "webhooks", "max_parallelism": 5}),
    Played("update-queue", {"queue": "webhooks", "max_parallelism": -1}, "max_parallelism"),
    Played("replay-dead-letters", {"queue": "webhooks", "dry_run": True}),
    Played("replay-dead-letters", {"failure_reason": "bad luck"}, "failure_reason"),
    Played("get-status", {}),
    Played("get-status", {"team": 1}, "team"),
    Played("set-alert-channel", {"channel": "email", "to": ["ops@example.com"]}),
    Played("set-alert-channel", {"channel": "pigeon"}, "channel"),
    Played("delete-job", {"id": "$job"}),
    Played("delete-job", {"id": NOBODYS}, "Job not found"),
    Played("delete-many", {"what": "crons", "q": "report", "dry_run": True}),
    Played("delete-many", {"what": "teams", "ids": [1]}, "what"),
    Played("delete-cron", {"id": "$cron"}),
    Played("delete-cron", {"id": "one"}, "id"),
)


def script() -> str:
    """As the programs read it that play it."""
    return json.dumps([call._asdict() for call in CALLS])


def untried(tools: Sequence[str]) -> list[str]:
    """Tools that are listed, and have no good or no bad call here."""
    good = {call.tool for call in CALLS if not call.says}
    bad = {call.tool for call in CALLS if call.says}
    return sorted(set(tools) ^ (good & bad))


def wrong(call: Played, result: dict[str, Any]) -> str | None:
    """What is wrong with what a client got; None if all is as it should be."""
    text, structured = result["text"], result.get("structured")
    if call.says:
        is_right = result["error"] and call.says in text and structured is None
    else:
        is_right = not result["error"] and structured is not None and json.loads(text) == structured
    return None if is_right else f"{call.tool} {json.dumps(call.arguments)}: {json.dumps(result)[:500]}"
