"""The MCP reference, a copy of which is beside this: what it documents comes first, and in its order."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from redis.asyncio import Redis

from services.mcp.answers import CronRow, JobRow
from shared.security.vault import MASK
from tests.mcp.clients import CRON, JOB
from tests.mcp.test_tools import call, finish_next

PAGE = (Path(__file__).parent / "reference.txt").read_text()
TOOL = r"(?:list|create|get|update|delete)-(?:cron|job)s?"
HEADING = rf"^(?:.*\}})?({TOOL}(?: / {TOOL})?)$"  # of some the page has lost the line break before them
_, *PARTS = re.split(HEADING, PAGE.partition("\nAuthentication\n")[0], flags=re.MULTILINE)
SECTIONS = dict(zip(PARTS[::2], PARTS[1::2], strict=True))
EXAMPLES = {
    name: json.JSONDecoder().raw_decode(PAGE, PAGE.index("{", PAGE.index("Example response:", start)))[0]
    for name in ("create-cron", "create-job", "get-cron", "get-job")
    for start in [re.search(rf"(?:^|\}}){name}$", PAGE, re.MULTILINE).start()]  # type: ignore[union-attr]
}


def parameters(section: str) -> dict[str, bool | None]:
    """Whether each is required; None where the table does not say it."""
    rows = re.findall(r"^(?:\| )?([a-z_]+) \| [a-z]+ \| (?:(Yes|No) \| )?", SECTIONS[section], re.MULTILINE)
    return {name: {"Yes": True, "No": False}.get(required) for name, required in rows}


CREATED_CRON, CREATED_JOB, SHOWN_CRON, SHOWN_JOB = EXAMPLES.values()


def begins(answer: dict[str, Any], documented: dict[str, Any]) -> bool:
    return list(answer)[: len(documented)] == list(documented)


def test_the_page_is_read_whole() -> None:
    assert list(SECTIONS) == [
        *("create-cron", "update-cron", "create-job", "get-cron", "get-job"),
        *("list-crons / list-jobs", "delete-cron / delete-job"),
    ]
    assert PAGE.count("Example response:") == len(EXAMPLES)


@pytest.mark.parametrize("tool", ["create-cron", "create-job", "get-cron", "get-job"])
async def test_documented_parameters_come_first_in_order(client: Client, tool: str) -> None:
    listed = {one.name: one.input_schema for one in (await client.list_tools()).tools}

    documented = parameters(tool)
    assert documented != {}
    assert list(listed[tool]["properties"])[: len(documented)] == list(documented)
    assert listed[tool]["required"] == [name for name, is_required in documented.items() if is_required]


async def test_an_update_takes_the_id_and_every_field_of_a_creation(client: Client) -> None:
    listed = {one.name: list(one.input_schema["properties"]) for one in (await client.list_tools()).tools}

    assert parameters("update-cron") == {"id": True}
    kept = [one for one in listed["create-cron"] if one not in ("dry_run", "mode")]
    assert listed["update-cron"] == ["id", *kept]


async def test_lists_take_what_is_documented_in_order(client: Client) -> None:
    listed = {one.name: list(one.input_schema["properties"]) for one in (await client.list_tools()).tools}

    documented = list(parameters("list-crons / list-jobs"))
    assert listed["list-jobs"][: len(documented)] == documented
    assert [one for one in listed["list-crons"] if one in documented] == [
        one for one in documented if one != "queue_id"
    ]


async def test_create_cron_answers_as_documented(client: Client) -> None:
    made = await call(client, "create-cron", **CRON)

    assert begins(made, CREATED_CRON)
    assert made | {"next_run_at": "-"} == made | CREATED_CRON | {"next_run_at": "-"}
    assert made["next_run_at"].endswith(":00+00:00")
    assert made["next_runs"][0] == made["next_run_at"]
    assert made["description"] == "Every 5 minutes"


async def test_get_cron_answers_as_documented(client: Client) -> None:
    made = await call(client, "create-cron", **CRON, alert_threshold=2)

    shown = await call(client, "get-cron", id=made["id"])

    assert begins(shown, SHOWN_CRON)
    unlike = dict.fromkeys(("last_run_at", "next_run_at", "created_at", "last_status"))
    assert shown | unlike == shown | SHOWN_CRON | unlike


async def test_update_cron_answers_as_get_cron_does(client: Client) -> None:
    made = await call(client, "create-cron", **CRON)

    changed = await call(client, "update-cron", id=made["id"], is_active=False)

    assert begins(changed, SHOWN_CRON)
    assert list(changed) == [*(await call(client, "get-cron", id=made["id"])), "warnings"]


async def test_create_job_answers_as_documented(client: Client) -> None:
    made = await call(client, "create-job", **JOB)

    assert begins(made, CREATED_JOB)
    unlike = dict.fromkeys(("id", "queue_id", "scheduled_at"))
    assert made | unlike == made | CREATED_JOB | unlike


async def test_get_job_answers_as_documented_with_its_run(client: Client, redis: Redis) -> None:
    asked = {name: SHOWN_JOB[name] for name in ("headers", "payload")}
    made = await call(client, "create-job", **JOB, **asked)
    await finish_next(redis)

    shown = await call(client, "get-job", id=made["id"])

    assert begins(shown, SHOWN_JOB)
    assert begins(shown["run"], SHOWN_JOB["run"])
    unlike = dict.fromkeys(("id", "queue_id", "scheduled_at", "created_at", "run", "headers"))
    assert shown | unlike == shown | SHOWN_JOB | unlike
    assert shown["headers"] == {"Authorization": MASK}  # no tool returns a credential
    unlike = dict.fromkeys(("started_at", "executed_at"))
    assert shown["run"] | unlike == shown["run"] | SHOWN_JOB["run"] | unlike


@pytest.mark.parametrize("noun", ["cron", "job"])
async def test_a_deletion_answers_as_documented(client: Client, noun: str) -> None:
    made = await call(client, f"create-{noun}", **(CRON if noun == "cron" else JOB))

    deleted = await call(client, f"delete-{noun}", id=made["id"])

    (documented,) = re.findall(r"Returns (\{.*?\})", SECTIONS["delete-cron / delete-job"])
    assert list(deleted.items()) == list(json.loads(documented.replace("<id>", str(made["id"]))).items())


@pytest.mark.parametrize(
    ("row", "documented"), [(CronRow, SHOWN_CRON), (JobRow, SHOWN_JOB | {"response_status": 200})]
)
def test_a_row_of_a_list_begins_with_documented_keys_in_order(
    row: type[CronRow | JobRow], documented: dict[str, Any]
) -> None:
    known = [name for name in documented if name in row.model_fields]

    assert list(row.model_fields)[: len(known)] == known
    assert len(known) >= 8
