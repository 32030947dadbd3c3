"""Every answer has a bound: hosts cut, or refuse, what is above some 25,000 tokens."""

import json
from typing import Any

import pytest
from mcp import Client
from redis.asyncio import Redis

from services.mcp.excerpts import PAGE_BYTES
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Fail, Result
from shared.security.vault import MASK
from shared.store.keyspace import SHARDS
from tests.mcp.clients import CRON, JOB, text
from tests.mcp.test_tools import call

LONG = {
    "url": "https://api.example.com/" + "u" * 2000,
    "callback_url": "https://api.example.com/" + "c" * 2000,
    "headers": {f"X-{number}": "h" * 120 for number in range(60)},
}
ROW_CHARACTERS = 290
"""By o200k_base a row has 3.2 characters a token and more."""
CONTROL = "\x01" * 5000  # six bytes each, as JSON


async def size(client: Client, tool: str, **arguments: Any) -> int:
    return len(text(await client.call_tool(tool, arguments)).encode())


async def twenty_five_jobs(client: Client, redis: Redis) -> None:
    for _ in range(25):
        await call(client, "create-job", **(JOB | LONG | {"queue": "q" * 255, "payload": {"long": CONTROL}}))
    hands = Claims(redis, SHARDS[0], "a-worker")
    works = await hands.claim(25)
    run = json.dumps({"response_body": CONTROL, "error_message": CONTROL})
    await hands.finish([Result(work, Complete(), run) for work in works])


async def test_a_page_of_jobs_is_bounded(client: Client, redis: Redis) -> None:
    await twenty_five_jobs(client, redis)

    page = await call(client, "list-jobs")

    assert await size(client, "list-jobs") <= PAGE_BYTES / 2
    assert len(page["data"]) == 25
    row = page["data"][0]
    assert row["queue"].startswith("q" * 64)
    assert row["url"].endswith(f" of 2024 bytes; rest: GET /api/jobs/{row['id']}]")


async def test_a_page_of_crons_is_bounded_and_says_what_it_left_out(client: Client) -> None:
    many = [CRON | LONG | {"name": "ü" * 250, "payload": CONTROL + str(number)} for number in range(50)]
    for half in (many, many):
        await call(client, "create-crons", crons=half)

    page = await call(client, "list-crons", per_page=100)

    assert await size(client, "list-crons", per_page=100) <= PAGE_BYTES
    assert len(page["data"]) == 100
    assert page["data"][0]["name"].startswith("ü" * 32)
    assert list(page)[-1] == "note"
    assert page["note"].endswith("bytes to keep this page small; get-cron shows more of each.")


async def test_an_ordinary_page_is_whole_and_has_no_note(client: Client) -> None:
    for _ in range(25):
        await call(client, "create-job", **JOB, headers={"X-A": "1"}, payload={"a": 1})

    page = await call(client, "list-jobs")

    assert list(page) == ["data", "current_page", "last_page", "per_page", "total"]


@pytest.mark.parametrize("tool", ["list-crons", "list-jobs", "list-executions", "list-queues"])
async def test_an_ordinary_row_is_some_90_tokens_at_most(client: Client, redis: Redis, tool: str) -> None:
    made = await call(client, "create-cron", **CRON, timezone="Europe/Berlin")
    await call(client, "run-cron", id=made["id"])
    await call(client, "create-job", **JOB)
    hands = Claims(redis, SHARDS[0], "a-worker")
    run = (
        '{"response_status":503,"failure_reason":"http_server_error","error_message":"It answered with 503."}'
    )
    await hands.finish([Result(work, Fail(), run, facts=run) for work in await hands.claim(2)])

    (row,) = (await call(client, tool))["data"]

    assert len(json.dumps(row, separators=(",", ":"))) <= ROW_CHARACTERS


async def test_one_job_and_one_cron_are_bounded(client: Client, redis: Redis) -> None:
    await twenty_five_jobs(client, redis)
    await call(client, "create-cron", **(CRON | LONG | {"payload": CONTROL}))

    assert await size(client, "get-job", id=1) < 64_000
    assert await size(client, "get-cron", id=1) < 60_000
    assert set((await call(client, "get-job", id=1))["headers"].values()) == {MASK}


async def test_what_a_tool_does_not_bound_by_itself_is_cut_shorter(client: Client) -> None:
    crons = [CRON | {"name": "ü" * 250, "url": LONG["url"]} for _ in range(50)]

    made = await call(client, "create-crons", crons=crons, dry_run=True)

    assert await size(client, "create-crons", crons=crons, dry_run=True) < 100_000
    assert len(made["crons"]) == 50
    assert {len(cron["url"]) for cron in made["crons"]} == {513}
    assert {cron["url"][-1] for cron in made["crons"]} == {"…"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "x" * 500_000},
        {"headers": {"h" * 100_000: "v"}},
        {"headers": {f"X-{number}": 1.5 for number in range(5000)}},
        {"headers": {f"X {number}": [number] for number in range(5000)}},
        {"method": "M" * 100_000},
        {"queue": "q" * 100_000},
        {"f" * 100_000: 1},
        {f"{number}{'f' * 1000}": 1 for number in range(500)},
    ],
    ids=lambda value: str(value)[:20],
)
async def test_a_refusal_is_bounded(client: Client, wrong: dict[str, Any]) -> None:
    result = await client.call_tool("create-job", JOB | wrong)

    assert result.is_error
    assert len(result.model_dump_json()) < 16_000
