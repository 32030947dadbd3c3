"""The tools: names, parameters, defaults; of the nine of the reference the result keys and their order."""

import json
from typing import Any

import pytest
from mcp import Client
from redis.asyncio import Redis

from services.api.table import OPERATIONS
from services.mcp.tools import TOOLS
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Result
from shared.security.vault import MASK
from shared.store.keyspace import SHARDS, Team
from tests.mcp.clients import CRON, JOB, text

POLICY = (
    "misfire_policy misfire_window_seconds overlap_policy spread_seconds starts_at ends_at max_runs "
    "success_assertions pause_after_failures redact labels"
)
PARAMETERS = {
    "list-crons": "filter search page per_page q",
    "create-cron": "name* url* cron_expression* method headers payload callback_url timeout_seconds "
    f"alert_threshold is_active timezone {POLICY} mode grace_seconds dry_run idempotency_key",
    "get-cron": "id*",
    "update-cron": "id* name url cron_expression method headers payload callback_url timeout_seconds "
    f"alert_threshold is_active timezone {POLICY} grace_seconds idempotency_key",
    "delete-cron": "id* idempotency_key",
    "list-jobs": "filter search queue_id page queue from to q",
    "create-job": "queue* url* method headers payload callback_url delay body timeout_seconds retry_delays "
    "at expires_at labels key dry_run idempotency_key",
    "get-job": "id* wait_seconds",
    "delete-job": "id* idempotency_key",
    "explain-cron": "cron_expression* timezone count",
    "run-cron": "id* wait_seconds idempotency_key",
    "list-executions": "cron_id filter from to page q",
    "create-crons": "crons crontab timezone dry_run idempotency_key",
    "update-crons": "ids q dry_run expected_count idempotency_key changes* host all",
    "delete-many": "ids q dry_run expected_count idempotency_key what* queue from to",
    "list-queues": "search page",
    "update-queue": "queue* is_active rate_limit max_parallelism retry_delays timeout_seconds alerts_enabled "
    "idempotency_key",
    "replay-dead-letters": "queue ids failure_reason from to all rate stop_after_failures dry_run expected_count "
    "replay_id idempotency_key",
    "get-status": "",
    "set-alert-channel": "channel* url to enabled test idempotency_key",
}
REFERENCE = list(PARAMETERS)[:9]
SAYS_WHY = ("update-crons", "delete-many", "replay-dead-letters")
"""Their reasons are ours."""
OWN = {
    "create-cron": {"dry_run"},
    "create-job": {"dry_run"},
    "list-jobs": {"queue", "from_", "to"},
    "get-job": {"wait_seconds"},
}
"""What REST has no field for, or another one."""
READS = ("list", "get", "explain")
SCOPES = ("read", "write", "admin")


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """The structured answer, which must say the same as the text, key for key."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, text(result)
    assert list(json.loads(text(result)).items()) == list(result.structured_content.items())
    found: dict[str, Any] = result.structured_content
    return found


async def finish_next(redis: Redis, response_body: str = '{"ok":true}') -> None:
    """Do what a worker does with the next job."""
    hands = Claims(redis, SHARDS[0], "a-worker")
    (work,) = await hands.claim(1)
    run = {"response_status": 200, "response_body": response_body, "duration_ms": 142}
    run |= {"started_at": work.due_ms, "executed_at": work.due_ms}
    await hands.finish([Result(work, Complete(), json.dumps(run), response_body)])


async def test_the_tools_and_their_parameters_are_the_references(client: Client) -> None:
    listed = (await client.list_tools()).tools

    shown = {
        tool.name: " ".join(
            f"{name}*" if name in tool.input_schema.get("required", []) else name
            for name in tool.input_schema["properties"]
            if name != "reason"
        )
        for tool in listed
    }
    assert shown == PARAMETERS
    assert list(shown) == list(PARAMETERS)


@pytest.mark.parametrize("name", REFERENCE)
def test_a_tool_of_the_reference_is_an_operation_with_its_ids_and_input(name: str) -> None:
    tool, operation = TOOLS[name], {one.name: one for one in OPERATIONS}[name]
    model = operation.takes or operation.query
    over_rest = set(model.model_fields) if model else set()
    ids = {"id"} if operation.ids else set()
    key = {"idempotency_key"} if operation.is_write else set()
    own = OWN.get(name, set())

    assert ids | key | own <= set(tool.model.model_fields) <= ids | key | own | over_rest


@pytest.mark.parametrize("name", TOOLS)
def test_a_tool_has_the_widest_scope_of_its_operations(name: str) -> None:
    scopes = {one.name: one.scope for one in OPERATIONS}

    used = {scopes[one] for one in TOOLS[name].operations or (name,)}

    assert TOOLS[name].scope == max(used, key=SCOPES.index)


async def test_the_defaults_are_the_references(client: Client) -> None:
    listed = {tool.name: tool.input_schema["properties"] for tool in (await client.list_tools()).tools}

    cron, job = listed["create-cron"], listed["create-job"]
    assert (cron["method"]["default"], job["method"]["default"]) == ("GET", "POST")
    assert (cron["timeout_seconds"]["default"], cron["is_active"]["default"]) == (30, True)
    assert job["delay"]["default"] == 0
    assert not any("default" in field for field in listed["update-cron"].values())


async def test_every_tool_has_a_title_annotations_and_plain_schemas(client: Client) -> None:
    for tool in (await client.list_tools()).tools:
        hints, reads = tool.annotations, tool.name.startswith(READS)

        assert tool.title
        assert tool.description
        assert hints
        assert hints.read_only_hint == reads
        assert hints.destructive_hint == tool.name.startswith(("delete", "update", "set"))
        assert hints.idempotent_hint == (not tool.name.startswith(("create", "run", "replay")))
        schemas = json.dumps([tool.input_schema, tool.output_schema])
        assert "$ref" not in schemas
        assert '"title"' not in schemas
        assert tool.input_schema["additionalProperties"] is False


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_with_answers_of_a_target_says_that_they_come_from_outside(tool: str) -> None:
    schema = str(TOOLS[tool].answer.model_json_schema(mode="serialization"))
    shows = any(f"'{name}'" in schema for name in ("response_body", "last_response", "last_error", "reason"))

    assert not shows or tool in SAYS_WHY or "data from outside" in TOOLS[tool].description


async def test_a_job_that_has_not_run_has_a_null_run(client: Client) -> None:
    made = await call(client, "create-job", **JOB)

    assert (await call(client, "get-job", id=made["id"]))["run"] is None


async def test_update_cron_changes_only_what_is_given(client: Client) -> None:
    made = await call(client, "create-cron", **CRON, headers={"X-A": "1"}, payload="{}", method="POST")

    paused = await call(client, "update-cron", id=made["id"], is_active=False)

    assert (paused["is_active"], paused["next_run_at"]) == (False, None)
    assert (paused["method"], paused["headers"], paused["payload"]) == ("POST", {"X-A": MASK}, "{}")


async def test_update_cron_says_which_secrets_did_not_follow_the_url(client: Client) -> None:
    made = await call(client, "create-cron", **CRON, headers={"Authorization": "Bearer canary", "X-A": "1"})

    moved = await call(client, "update-cron", id=made["id"], url="https://b.example.com/")

    assert moved["headers"] == {"X-A": MASK}
    assert ["Authorization" in warning for warning in moved["warnings"]] == [True]


async def test_update_cron_takes_null_for_none_at_all(client: Client) -> None:
    made = await call(client, "create-cron", **CRON, headers={"X-A": "1"}, alert_threshold=2)

    changed = await call(client, "update-cron", id=made["id"], headers=None, alert_threshold=None)

    assert (changed["headers"], changed["alert_threshold"]) == (None, None)


@pytest.mark.parametrize("noun", ["cron", "job"])
async def test_what_was_deleted_is_gone(client: Client, noun: str) -> None:
    made = await call(client, f"create-{noun}", **(CRON if noun == "cron" else JOB))

    await call(client, f"delete-{noun}", id=made["id"])

    again = await client.call_tool(f"delete-{noun}", {"id": made["id"]})
    assert text(again) == f"{noun.title()} not found. Use list-{noun}s to find valid ids."


async def test_list_crons_filters_and_searches_by_name_or_url(client: Client) -> None:
    for name, is_active in (("one", True), ("two", False), ("three", True)):
        await call(client, "create-cron", **(CRON | {"name": name}), is_active=is_active)

    active = await call(client, "list-crons", filter="active")
    paused = await call(client, "list-crons", filter="paused")
    named = await call(client, "list-crons", search="TWO")
    by_url = await call(client, "list-crons", search="example.com/health", filter="all")

    assert [cron["name"] for cron in active["data"]] == ["three", "one"]
    assert [cron["name"] for cron in paused["data"]] == ["two"]
    assert [cron["name"] for cron in named["data"]] == ["two"]
    assert by_url["total"] == 3
    assert list(active) == ["data", "current_page", "last_page", "per_page", "total"]


async def test_list_jobs_filters_by_status_and_queue_25_a_page(client: Client, redis: Redis) -> None:
    other = await call(client, "create-job", **(JOB | {"queue": "mail"}))
    await finish_next(redis)
    for _ in range(26):
        await call(client, "create-job", **JOB)

    done = await call(client, "list-jobs", filter="completed")
    mail = await call(client, "list-jobs", queue_id=other["queue_id"])
    second = await call(client, "list-jobs", filter="pending", search="/SYNC", page=2)

    assert [job["id"] for job in done["data"]] == [job["id"] for job in mail["data"]] == [other["id"]]
    pages = {"current_page": 2, "last_page": 2, "per_page": 25, "total": 26}
    assert second == {"data": second["data"], **pages}
    assert len(second["data"]) == 1


@pytest.mark.parametrize(
    "status", ["pending", "processing", "completed", "failed", "retrying", "dead_lettered"]
)
async def test_list_jobs_knows_every_status(client: Client, status: str) -> None:
    assert (await call(client, "list-jobs", filter=status))["data"] == []


async def test_a_long_response_is_cut_and_the_answer_says_where_the_rest_is(
    client: Client, redis: Redis, team: Team
) -> None:
    made = await call(client, "create-job", **JOB, payload={"long": "p" * 5000})
    await finish_next(redis, response_body="é" * 5000)

    one = await call(client, "get-job", id=made["id"])

    rest = f"GET /api/jobs/{made['id']}]"
    assert one["run"]["response_body"] == "é" * 2048 + f"… [cut at 4096 of 10000 bytes; rest: {rest}"
    assert one["payload"]["cut"].startswith('{"long":"ppp')
    assert one["payload"]["cut"].endswith(rest)


async def test_a_long_cron_payload_is_cut_too(client: Client) -> None:
    made = await call(client, "create-cron", **CRON, payload="x" * 4096)
    longer = await call(client, "create-cron", **CRON, payload="x" * 4097)

    shown = await call(client, "get-cron", id=made["id"])
    cut = await call(client, "get-cron", id=longer["id"])

    assert shown["payload"] == "x" * 4096
    assert cut["payload"].endswith(f"… [cut at 4096 of 4097 bytes; rest: GET /api/crons/{longer['id']}]")
