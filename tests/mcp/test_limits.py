"""A limited token over MCP: as over REST, and told to the agent."""

from typing import Any

import pytest
from redis.asyncio import Redis

from shared.schemas.accounts.tokens import TokenLimits
from shared.security import limits, tokens
from shared.security.caller import Caller
from shared.store import account_keys
from shared.store.keyspace import Team
from tests.mcp.clients import CRON, JOB, Dial, Gateway, found, over_http, text
from tests.poll import until


async def caller(redis: Redis, **given: Any) -> Caller:
    token = await tokens.create(redis, team="one", name="agent", scopes=("admin",))
    limited = limits.of(TokenLimits.model_validate(given))
    return Caller(Team(1), frozenset({"admin"}), limits=limited, digest=tokens.digest_of(token))


@pytest.mark.parametrize(
    ("tool", "arguments", "given", "said"),
    [
        ("create-job", JOB, {"hosts": ["b.example"]}, "may not reach api.example.com"),
        ("create-job", JOB, {"queues": ["mail"]}, "may not use the queue webhooks"),
        ("create-cron", CRON, {"hosts": ["b.example"]}, "may not reach api.example.com"),
        ("update-cron", {"id": 1, "name": "x"}, {"hosts": ["b.example"]}, "may not reach api.example.com"),
        ("update-cron", {"id": 1, "is_active": True}, {"hosts": ["b.example"]}, "may not reach"),
        ("delete-cron", {"id": 1}, {"may_delete": False}, "may not delete"),
        ("delete-job", {"id": 1}, {"may_delete": False}, "may not delete"),
        ("delete-job", {"id": 1}, {"queues": ["mail"]}, "may not use the queue webhooks"),
    ],
)
async def test_what_is_outside_is_forbidden_with_the_reason(
    dial: Dial, redis: Redis, tool: str, arguments: dict[str, Any], given: dict[str, Any], said: str
) -> None:
    async with dial() as admin, dial(await caller(redis, **given)) as agent:
        await admin.call_tool("create-cron", CRON)
        await admin.call_tool("create-job", JOB)

        result = await agent.call_tool(tool, arguments)

        assert result.is_error
        assert said in text(result)
        assert (result.meta or {})["recuro/error"] == {"code": "forbidden"}
        assert found(await admin.call_tool("get-cron", {"id": 1}))["name"] == CRON["name"]
        assert found(await admin.call_tool("list-jobs", {}))["total"] == 1


async def test_a_cron_that_is_too_often_names_its_expression(dial: Dial, redis: Redis) -> None:
    async with dial(await caller(redis, min_interval_seconds=3600)) as agent:
        result = await agent.call_tool("create-cron", CRON)

    assert "- cron_expression: The cron_expression field must leave 3600 s" in text(result)


@pytest.mark.parametrize(
    ("given", "allowed"), [({"calls_per_hour": 2}, "list-jobs"), ({"runs_per_day": 2}, "create-job")]
)
async def test_beyond_its_calls_or_runs_an_agent_is_told_to_wait(
    dial: Dial, redis: Redis, given: dict[str, Any], allowed: str
) -> None:
    async with dial(await caller(redis, **given)) as agent:
        for _ in range(2):
            found(await agent.call_tool(allowed, JOB if allowed == "create-job" else {}))

        result = await agent.call_tool("create-job", JOB)

        assert result.is_error
        ((name, most),) = given.items()
        of, _, per = name.partition("_per_")
        problem = (result.meta or {})["recuro/error"]
        (budget,) = problem["budgets"]
        assert (problem["code"], budget["of"], budget["per"]) == ("too_many_calls", of, per)
        assert (budget["left"], budget["most"]) == (0, most)
        assert "Wait " in text(result)
        assert "wider limit" in text(result)
        assert text(result).endswith(f"Left: 0 of 2 {of} this {per} (more in {budget['more_in_seconds']} s).")


async def test_the_gateway_notes_the_last_use_and_refusals(gateway: Gateway, redis: Redis) -> None:
    reader = await tokens.create(redis, team="one", name="reader", scopes=("read",))
    use = account_keys.use(tokens.digest_of(reader))

    async with over_http(gateway.url, reader) as agent:
        await agent.call_tool("create-job", JOB)

    async def is_noted() -> bool:
        noted = await redis.hgetall(use)  # type: ignore[misc]
        return (noted.get("used_by"), noted.get("refused:scope")) == ("mcp", "1")

    await until(is_noted)


async def test_status_says_what_is_left_of_calls_and_runs_and_when_more_come(
    dial: Dial, redis: Redis
) -> None:
    async with dial(await caller(redis, calls_per_hour=5, runs_per_day=3)) as agent, dial() as free:
        found(await agent.call_tool("create-job", JOB))
        shown = found(await agent.call_tool("get-status", {}))["token"]
        without = found(await free.call_tool("get-status", {}))["token"]

    said = [(one["of"], one["per"], one["left"], one["most"]) for one in shown["budgets"]]
    assert said == [("calls", "hour", 3, 5), ("runs", "day", 2, 3)]
    assert 0 < shown["budgets"][0]["more_in_seconds"] <= 3600
    assert 0 < shown["budgets"][1]["more_in_seconds"] <= 86_400
    assert shown["limits"] == {"calls_per_hour": 5, "runs_per_day": 3}
    assert without["budgets"] == []


async def test_a_refused_host_is_answered_with_those_that_are_allowed(dial: Dial, redis: Redis) -> None:
    async with dial(await caller(redis, hosts=["b.example", "*.c.example"])) as agent:
        result = await agent.call_tool("create-job", JOB)

    assert "its hosts limit allows b.example, *.c.example." in text(result)
