"""Forms in which models and hosts send arguments."""

from typing import Any

import pytest
from mcp import Client
from redis.asyncio import Redis

from tests.mcp.clients import CRON, JOB, found, text
from tests.mcp.test_tools import call

MEANT: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("create-job", {"headers": None, "payload": None, "callback_url": None, "delay": None}, {}),
    ("create-job", {"headers": '{"Accept": "1"}'}, {"headers": {"Accept": "1"}}),
    ("create-job", {"payload": '{"a": {"b": [1, null]}}'}, {"payload": {"a": {"b": [1, None]}}}),
    ("create-job", {"payload": "null", "headers": " {} "}, {"payload": None, "headers": {}}),
    (
        "create-job",
        {"headers": {"Accept": 42, "User-Agent": True, "Content-Type": 1.5}},
        {"headers": {"Accept": "42", "User-Agent": "true", "Content-Type": "1.5"}},
    ),
    ("create-job", {"method": "put"}, {"method": "PUT"}),
    ("create-job", {"delay": "60"}, {"delay_seconds": 60}),
    ("create-job", {"queue": 42}, {"queue": "42"}),
    ("create-cron", {"method": " Delete "}, {"method": "DELETE"}),
    (
        "create-cron",
        {"method": None, "is_active": None, "timezone": None},
        {"method": "GET", "is_active": True},
    ),
    ("create-cron", {"payload": '{"a": 1}'}, {"payload": '{"a": 1}'}),
    ("create-cron", {"payload": "null"}, {"payload": "null"}),
    ("create-cron", {"payload": 5}, {"payload": "5"}),
    (
        "create-cron",
        {"timeout_seconds": "7", "alert_threshold": "2"},
        {"timeout_seconds": 7, "alert_threshold": 2},
    ),
    ("create-cron", {"is_active": "false"}, {"is_active": False}),
]


@pytest.mark.parametrize(("tool", "arguments", "kept"), MEANT, ids=lambda value: str(value)[:60])
async def test_what_was_meant_is_kept(
    client: Client, tool: str, arguments: dict[str, Any], kept: dict[str, Any]
) -> None:
    noun = tool.removeprefix("create-")
    made = await call(client, tool, **({"cron": CRON, "job": JOB}[noun] | arguments))

    shown = await call(client, f"get-{noun}", id=str(made["id"]))

    assert {name: shown[name] for name in kept} == kept


async def test_update_cron_reads_text_and_still_clears_with_null(client: Client) -> None:
    made = await call(client, "create-cron", **CRON, headers={"Accept": "1"}, alert_threshold=2)

    changed = await call(
        client,
        "update-cron",
        id=str(made["id"]),
        headers='{"Accept": "2"}',
        method="post",
        alert_threshold=None,
    )

    assert (changed["headers"], changed["method"], changed["alert_threshold"]) == (
        {"Accept": "2"},
        "POST",
        None,
    )


@pytest.mark.parametrize("tool", ["list-crons", "list-jobs"])
async def test_a_list_takes_null_and_text_for_all_its_arguments(client: Client, tool: str) -> None:
    await call(client, "create-cron", **CRON)
    await call(client, "create-job", **JOB)

    everything = await call(client, tool, filter="ALL", search=None, page="1")
    nothing_said = await call(client, tool, filter=None, page=None)

    assert everything["total"] == nothing_said["total"] == 1


async def test_list_jobs_takes_a_queue_by_its_name(client: Client) -> None:
    await call(client, "create-job", **JOB)
    mail = await call(client, "create-job", **(JOB | {"queue": "mail"}))

    listed = await call(client, "list-jobs", queue="mail", queue_id=mail["queue_id"])

    assert [job["id"] for job in listed["data"]] == [mail["id"]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"queue": "Web-Hook"}, "names no queue of this team; did you mean webhooks?"),
        ({"queue": "zzz"}, "names no queue of this team; there are mail, webhooks."),
        ({"queue": "mail", "queue_id": 1}, "names queue 2, not that of queue_id; give one."),
    ],
)
async def test_a_wrong_queue_is_answered_with_those_that_exist(
    client: Client, arguments: dict[str, Any], said: str
) -> None:
    await call(client, "create-job", **JOB)
    await call(client, "create-job", **(JOB | {"queue": "mail"}))

    result = await client.call_tool("list-jobs", arguments)

    assert text(result).endswith(f"\n- queue: The queue field {said}")


async def test_of_many_queues_some_are_named(client: Client) -> None:
    for name in "abcdef":
        await call(client, "create-job", **(JOB | {"queue": name * 9}))

    result = await client.call_tool("list-jobs", {"queue": "zzz"})

    assert "there are aaaaaaaaa, bbbbbbbbb, ccccccccc, ddddddddd, eeeeeeeee and others." in text(result)


async def test_without_any_queue_that_is_said(client: Client) -> None:
    assert "there are none yet." in text(await client.call_tool("list-jobs", {"queue": "mail"}))


@pytest.mark.parametrize(
    ("tool", "unknown", "meant"),
    [
        ("create-cron", "schedule", "cron_expression"),
        ("create-cron", "cronExpression", "cron_expression"),
        ("create-cron", "timeout", "timeout_seconds"),
        ("create-cron", "threshold", "alert_threshold"),
        ("create-cron", "enabled", "is_active"),
        ("create-cron", "time_zone", "timezone"),
        ("create-job", "header", "headers"),
        ("create-job", "queue_name", "queue"),
        ("create-job", "delay_seconds", "delay"),
        ("get-job", "job_id", "id"),
        ("list-jobs", "status", "filter"),
    ],
)
async def test_an_unknown_field_is_answered_with_the_one_that_was_meant(
    client: Client, tool: str, unknown: str, meant: str
) -> None:
    result = await client.call_tool(tool, {unknown: "x"})

    assert (
        f"- {unknown}: The {unknown} field is not known here; did you mean {meant}?"
        in text(result).splitlines()
    )


async def test_a_search_compares_letters_and_digits_in_any_order(client: Client) -> None:
    for name in ("Health-Check", "Nightly report"):
        await call(
            client, "create-cron", **(CRON | {"name": name, "url": "https://Api.example.com/v2/Größe"})
        )

    async def names(search: str) -> list[str]:
        return [cron["name"] for cron in (await call(client, "list-crons", search=search))["data"]]

    assert (
        await names("health check")
        == await names("check HEALTH")
        == await names("healthcheck")
        == ["Health-Check"]
    )
    assert await names("report example.com") == ["Nightly report"]
    assert len(await names("api.example.com/v2")) == len(await names("grosse")) == len(await names("/")) == 2
    assert await names("health report") == await names("|") == []


async def test_a_job_is_searched_in_the_same_way(client: Client, redis: Redis) -> None:
    await call(client, "create-job", **(JOB | {"url": "https://api.example.com/order-sync"}))

    assert found(await client.call_tool("list-jobs", {"search": "Sync Order"}))["total"] == 1
