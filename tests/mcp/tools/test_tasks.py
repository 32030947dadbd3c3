"""Everyday tasks of an agent: each in three calls at most, with a real gateway, and its outcome is there.

`RECURO_TELL_TASKS=<file> pytest tests/mcp/tools/test_tasks.py` appends what was called and answered, to be counted.
"""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from redis.asyncio import Redis

from services.scheduler import replay
from services.scheduler.fire import fire_due
from services.worker.work import Complete, Fail
from shared import clock
from shared.actions import crons, dead_letters, executions, jobs, notifications, queues
from shared.schemas.base import PageQuery
from shared.schemas.crons import Cron, CronQuery
from shared.schemas.dead_letters import DeadLetterQuery
from shared.schemas.jobs import Job, JobQuery
from shared.schemas.queues import RateLimit
from shared.store.keyspace import Team
from tests import dead
from tests.calls import call_of
from tests.fires import SHARD, a_cron, claim, end
from tests.mcp.clients import Gateway, over_http, text
from tests.mcp.test_reasons import SILENT, end_next
from tests.mcp.test_tools import finish_next

PAGE = (Path(__file__).parents[3] / "docs" / "mcp.md").read_text()
ROWS = {
    task: (calls, int(tokens.replace(",", "")))
    for task, calls, tokens in re.findall(r"^\| (\w[^|]*) \| ([a-z, -]+) \| ([\d,]+) \|$", PAGE, re.MULTILINE)
}
MOST_CALLS = 3
CHARACTERS_A_TOKEN = 4
"""Of calls and answers by o200k_base they are 2.6 to 3.4: what is said may grow by a fifth unseen."""
CRONTAB = "\n".join(
    f"{minute} 3 * * * curl -fsS https://host{minute}.example.com/nightly" for minute in range(12)
)
DAY = timedelta(days=1)


class Agent:
    """A client of the gateway, and the team as it is behind it."""

    def __init__(self, client: Client, redis: Redis, team: Team) -> None:
        self.redis, self.team = redis, team
        self.said: list[tuple[str, str, str]] = []
        self._client = client

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self._client.call_tool(tool, arguments)
        assert not result.is_error, text(result)
        self.said.append((tool, json.dumps(arguments), text(result)))
        answer: dict[str, Any] = result.structured_content
        return answer

    async def crons(self, **query: Any) -> list[Cron]:
        return (await crons.page(self.redis, self.team, CronQuery(per_page=100, **query))).data

    async def jobs(self) -> list[Job]:
        return (await jobs.page(self.redis, self.team, JobQuery(per_page=100))).data

    async def cron(self, name: str, **fields: object) -> Cron:
        return await a_cron(self.redis, self.team, at=clock.now(), name=name, **fields)


Task = Callable[[Agent], Awaitable[None]]
TASKS: dict[str, Task] = {}


def task(said: str) -> Callable[[Task], Task]:
    def keep(function: Task) -> Task:
        TASKS[said] = function
        return function

    return keep


@pytest.fixture
async def agent(gateway: Gateway, token: str, redis: Redis, team: Team) -> AsyncIterator[Agent]:
    async with over_http(gateway.url, token) as client:
        yield Agent(client, redis, team)


@task("Create a cron that pings a URL every 5 minutes")
async def create_a_cron_that_pings_a_url_every_5_minutes(agent: Agent) -> None:
    await agent.call(
        "create-cron", name="health", url="https://api.example.com/health", cron_expression="*/5 * * * *"
    )

    (made,) = await agent.crons()
    assert (made.url, made.cron_expression, made.method) == (
        "https://api.example.com/health",
        "*/5 * * * *",
        "GET",
    )


@task("List all my active crons")
async def list_all_my_active_crons(agent: Agent) -> None:
    for name in ("one", "two", "three"):
        await agent.cron(name, is_active=name != "two")

    listed = await agent.call("list-crons", filter="active")

    assert [row["name"] for row in listed["data"]] == ["three", "one"]


@task("Queue a job to POST to a URL on the webhooks queue")
async def queue_a_job_to_post_to_a_url_on_the_webhooks_queue(agent: Agent) -> None:
    await agent.call("create-job", queue="webhooks", url="https://api.example.com/sync")

    (made,) = await agent.jobs()
    assert (made.url, made.method, made.queue) == ("https://api.example.com/sync", "POST", "webhooks")


@task("Show me the details of a cron")
async def show_me_the_details_of_a_cron(agent: Agent) -> None:
    known = await agent.cron("report", cron_expression="0 9 * * MON", timezone="Europe/Berlin")

    shown = await agent.call("get-cron", id=known.id)

    assert shown["description"] == "At 09:00, only on Monday, by the clock of Europe/Berlin"


@task("Pause the health-check cron")
async def pause_the_health_check_cron(agent: Agent) -> None:
    for name in ("health-check", "other"):
        await agent.cron(name)

    (found,) = (await agent.call("list-crons", search="health check"))["data"]
    await agent.call("update-cron", id=found["id"], is_active=False)

    assert [cron.name for cron in await agent.crons(q="status:paused")] == ["health-check"]


@task("Delete a job")
async def delete_a_job(agent: Agent) -> None:
    first, second = await dead.dead_letters(agent.redis, agent.team, 2)

    await agent.call("delete-job", id=first)

    assert [job.id for job in await agent.jobs()] == [second]


@task("Which cron fails, and why")
async def which_cron_fails_and_why(agent: Agent) -> None:
    for name in ("well", "ill"):
        made = await agent.cron(name)
        await executions.create(call_of(agent.redis, agent.team), made.id)
        facts = SILENT if name == "ill" else ""
        await end_next(agent.redis, Fail() if facts else Complete(), "[1,200,1,1]", facts)

    found = await agent.call("list-crons", filter="failing")

    assert [(row["name"], row["last_error"]) for row in found["data"]] == [
        ("ill", "It did not answer within 30 s.")
    ]


@task("Pause every cron that calls a host")
async def pause_every_cron_that_calls_a_host(agent: Agent) -> None:
    for number in range(4):
        await agent.cron(f"one {number}", url=f"https://old.example.com/{number}")
    await agent.cron("two", url="https://new.example.com/")

    asked = {"host": "old.example.com", "changes": {"is_active": False}}
    seen = await agent.call("update-crons", **asked, dry_run=True)
    await agent.call("update-crons", **asked, expected_count=seen["matched"])

    assert [cron.name for cron in await agent.crons(q="status:active")] == ["two"]


@task("Requeue yesterday's dead letters of a queue")
async def requeue_yesterday_s_dead_letters_of_a_queue(agent: Agent) -> None:
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    for queue, at in (("mail", today - DAY), ("mail", today - 3 * DAY), ("sms", today - DAY)):
        moment = clock.milliseconds(at + timedelta(hours=2))
        await dead.dead_letters(agent.redis, agent.team, 2, now=moment, queue=queue)

    asked = {"queue": "mail", "from": (today - DAY).isoformat(), "to": today.isoformat()}
    seen = await agent.call("replay-dead-letters", **asked, dry_run=True)
    await agent.call("replay-dead-letters", **asked, expected_count=seen["plan"]["selected"])

    for second in (1, 2):
        await replay.step(agent.redis, SHARD, clock.milliseconds(clock.now()) + second * 1000)
    chains = [job.original_job_id for job in await agent.jobs() if job.replay_of]
    left = (await dead_letters.page(agent.redis, agent.team, DeadLetterQuery())).total
    assert (seen["plan"]["selected"], len(chains), left) == (2, 2, 4)


@task("What runs in the next hour")
async def what_runs_in_the_next_hour(agent: Agent) -> None:
    await agent.cron("often", cron_expression="*/15 * * * *")
    await agent.cron("never", is_active=False)

    coming = await agent.call("list-executions", filter="due", to="1h")

    assert [row["cron_name"] for row in coming["data"]] == ["often"] * 4


@task("Did the backup run last night, and how late")
async def did_the_backup_run_last_night_and_how_late(agent: Agent) -> None:
    night = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=6)  # to somebody
    fields = {"name": "backup", "cron_expression": f"0 {night.hour} * * *"}
    await a_cron(agent.redis, agent.team, at=night - timedelta(hours=1), **fields)
    late = night + timedelta(seconds=90)
    await fire_due(agent.redis, SHARD, late)
    await end(agent.redis, await claim(agent.redis, late), late)

    (found,) = (await agent.call("list-executions", q="cron:backup", **{"from": "24h"}))["data"]

    assert (found["status"], found["lateness_ms"]) == ("completed", 90_000)


@task("Move a crontab of twelve lines")
async def move_a_crontab_of_twelve_lines(agent: Agent) -> None:
    seen = await agent.call("create-crons", crontab=CRONTAB, timezone="Europe/Berlin", dry_run=True)
    await agent.call("create-crons", crontab=CRONTAB, timezone="Europe/Berlin")

    assert len(seen["crons"]) == 12
    assert {(cron.timezone, cron.cron_expression) for cron in await agent.crons()} == {
        ("Europe/Berlin", f"{minute} 3 * * *") for minute in range(12)
    }


@task("Wait for a job's result")
async def wait_for_a_job_s_result(agent: Agent) -> None:
    made = await agent.call("create-job", queue="webhooks", url="https://api.example.com/sync")
    ended, _ = await asyncio.gather(
        agent.call("get-job", id=made["id"], wait_seconds=20), finish_next(agent.redis)
    )

    assert (ended["status"], ended["run"]["response_body"]) == ("completed", '{"ok":true}')


@task("All crons to Europe/Berlin")
async def all_crons_to_europe_berlin(agent: Agent) -> None:
    for name in ("one", "two", "three"):
        await agent.cron(name, is_active=name != "two")

    asked = {"all": True, "changes": {"timezone": "Europe/Berlin"}}
    seen = await agent.call("update-crons", **asked, dry_run=True)
    await agent.call("update-crons", **asked, expected_count=seen["matched"])

    assert [cron.timezone for cron in await agent.crons()] == ["Europe/Berlin"] * 3


@task("Rate-limit a queue")
async def rate_limit_a_queue(agent: Agent) -> None:
    await dead.dead_letters(agent.redis, agent.team, 1)

    await agent.call("update-queue", queue="mail", rate_limit={"count": 10, "per_seconds": 60})

    (queue,) = (await queues.page(agent.redis, agent.team, PageQuery())).data
    assert queue.rate_limit == RateLimit(count=10, per_seconds=60)


@task("A cron on the last weekday of the month")
async def a_cron_on_the_last_weekday_of_the_month(agent: Agent) -> None:
    told = await agent.call("explain-cron", cron_expression="0 9 LW * *", count=3)
    await agent.call(
        "create-cron", name="pay", url="https://api.example.com/pay", cron_expression="0 9 LW * *"
    )

    (made,) = await agent.crons()
    fires = [datetime.fromisoformat(one["utc"]) for one in told["next_runs"]]
    assert "last weekday of the month" in told["description"]
    assert made.next_runs == fires
    assert all(fire.weekday() < 5 and (fire + 4 * DAY).month != fire.month for fire in fires)


@task("Tell me by Slack when it fails")
async def tell_me_by_slack_when_it_fails(agent: Agent) -> None:
    await agent.cron("report")

    (found,) = (await agent.call("list-crons", search="report"))["data"]
    await agent.call("set-alert-channel", channel="slack", url="https://hooks.slack.com/services/T0/B0/x")
    changed = await agent.call("update-cron", id=found["id"], alert_threshold=1)

    assert changed["alert_threshold"] == 1
    assert "warnings" not in changed
    assert await notifications.has_channel(agent.redis, agent.team)


@task("Delete everything named test-*")
async def delete_everything_named_test(agent: Agent) -> None:
    for name in ("test-one", "test-two", "latest-report", "my test"):
        await agent.cron(name)

    asked = {"what": "crons", "q": "name:test-*"}
    seen = await agent.call("delete-many", **asked, dry_run=True)
    await agent.call("delete-many", **asked, expected_count=seen["matched"])

    assert {cron.name for cron in await agent.crons()} == {"latest-report", "my test"}


@pytest.mark.parametrize("said", TASKS)
async def test_a_task_is_done_in_three_calls_and_costs_what_the_page_says(agent: Agent, said: str) -> None:
    await TASKS[said](agent)

    _tell(said, agent)
    calls, tokens = ROWS[said]
    assert ", ".join(tool for tool, _, _ in agent.said) == calls
    assert len(agent.said) <= MOST_CALLS
    assert sum(len(asked) + len(answer) for _, asked, answer in agent.said) <= tokens * CHARACTERS_A_TOKEN


def test_the_page_has_every_task_and_no_other() -> None:
    assert list(ROWS) == list(TASKS)
    assert len(TASKS) == 18


def _tell(said: str, agent: Agent) -> None:
    if path := os.environ.get("RECURO_TELL_TASKS"):
        with Path(path).open("a") as told:
            told.write(json.dumps([said, agent.said]) + "\n")
