"""The gateway as a process of its own: which calls it accepts, its other paths, and what it survives."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.cli import embedded
from services.mcp.tools import TOOLS
from shared.security import tokens
from shared.security.brake import BURST
from shared.settings import Settings
from shared.store import connection
from tests.mcp.clients import CRON, JOB, Gateway, found, over_http, text

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ACCEPT = {"Accept": "application/json, text/event-stream"}


async def post(url: str, token: str | None, body: Any = LIST, **headers: str) -> httpx.Response:
    bearer = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(timeout=30) as http:
        return await http.post(url, json=body, headers={**ACCEPT, **bearer, **headers})


async def test_tools_work_over_http_in_both_eras(gateway: Gateway, token: str, era: str) -> None:
    async with over_http(gateway.url, token, era) as client:
        made = await client.call_tool("create-job", JOB)
        listed = await client.call_tool("list-jobs", {})

    assert found(made)["queue_name"] == "webhooks"
    assert found(listed)["total"] == 1


async def test_another_teams_token_finds_nothing_over_http(
    gateway: Gateway, token: str, other_token: str
) -> None:
    async with over_http(gateway.url, token) as owner:
        await owner.call_tool("create-cron", CRON)
    async with over_http(gateway.url, other_token) as stranger:
        result = await stranger.call_tool("get-cron", {"id": 1})

    assert text(result) == "Cron not found. Use list-crons to find valid ids."


@pytest.mark.parametrize(
    ("sent", "said", "challenge"),
    [
        (None, "Missing authorization token", 'Bearer realm="recuro"'),
        ("wrong", "Invalid authorization token", 'Bearer realm="recuro", error="invalid_token"'),
    ],
)
async def test_without_a_good_token_nobody_gets_in(
    gateway: Gateway, token: str, sent: str | None, said: str, challenge: str
) -> None:
    response = await post(gateway.url, sent)

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == challenge
    answer = response.json()
    assert (answer["jsonrpc"], answer["id"], answer["error"]["code"]) == ("2.0", None, -32010)
    assert answer["error"]["message"].startswith(said)


async def test_a_client_that_guesses_tokens_must_wait_and_a_working_one_not(
    server: embedded.EmbeddedServer, token: str
) -> None:
    gateway = Gateway(server.url)
    await gateway.start()
    try:
        await post(gateway.url, token)

        guesses = [post(gateway.url, f"guess-{number}") for number in range(2 * BURST)]
        answers = await asyncio.gather(*guesses)
        at_work = await post(gateway.url, token)
    finally:
        gateway.stop()

    braked = [answer for answer in answers if answer.status_code == 429]
    assert [answer.status_code for answer in answers].count(401) == 2 * BURST - len(braked) >= BURST
    assert 1 <= int(braked[0].headers["retry-after"]) <= 60
    assert "Too many invalid authorization tokens" in braked[0].json()["error"]["message"]
    assert at_work.status_code == 200


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "OPTIONS"])
async def test_only_post_is_served(gateway: Gateway, token: str, method: str) -> None:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http:
        response = await http.request(method, gateway.url)

    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert response.json()["error"]["message"] == "Only POST is served here"


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
async def test_both_spellings_answer_plain_json_without_a_session(
    gateway: Gateway, token: str, path: str
) -> None:
    response = await post(gateway.origin + path, token)

    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    assert "mcp-session-id" not in response.headers
    assert len(response.json()["result"]["tools"]) == len(TOOLS)


async def test_a_request_over_the_limit_is_refused(gateway: Gateway, token: str) -> None:
    response = await post(gateway.url, token, LIST | {"params": {"x": "y" * 1_048_576}})

    assert response.status_code == 413
    assert "1048576 bytes" in response.json()["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "127.0.0.1.evil.example:8001"}, 421),
        ({"Host": "recuro.example.com"}, 200),
        ({"Host": "recuro.example.com:8443"}, 200),
        ({"Host": "localhost:1"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://recuro.example.com"}, 200),
    ],
    ids=str,
)
async def test_only_known_names_are_answered_to(
    gateway: Gateway, token: str, headers: dict[str, str], status: int
) -> None:
    assert (await post(gateway.url, token, **headers)).status_code == status


@pytest.mark.parametrize(
    ("path", "said"),
    [("/healthz", {"status": "live"}), ("/readyz", {"status": "ready", "overdue_seconds": 0})],
)
async def test_health_needs_no_token_and_no_known_name(
    gateway: Gateway, path: str, said: dict[str, object]
) -> None:
    async with httpx.AsyncClient(timeout=30) as http:
        response = await http.get(gateway.origin + path, headers={"Host": "10.1.2.3:8001"})

    assert (response.status_code, response.json()) == (200, said)


async def test_redis_may_go_and_come_back_under_a_running_gateway(tmp_path: Path) -> None:
    own = embedded.start(tmp_path)
    gateway = Gateway(own.url)
    try:
        redis = connection.connect(Settings(redis_url=own.url))
        token = await tokens.create(redis, team="one", name="test", scopes=("admin",))
        await redis.aclose()
        await gateway.start()
        async with over_http(gateway.url, token) as client, httpx.AsyncClient() as http:
            assert not (await client.call_tool("create-job", JOB)).is_error
            own.stop()

            away = await client.call_tool("get-job", {"id": 1})
            listed = await client.list_tools()
            ready = await http.get(f"{gateway.origin}/readyz")
            unknown = await post(gateway.url, "not looked up yet", CALL)
            own = embedded.start(tmp_path)

            assert text(away) == "Storage unavailable; nothing was done. Try again in a moment."
            assert len(listed.tools) == len(TOOLS)
            assert (ready.status_code, ready.json()) == (503, {"error": "Storage unavailable"})
            assert "Storage unavailable" in unknown.text
            assert found(await client.call_tool("get-job", {"id": 1}))["status"] == "pending"
            assert (await post(gateway.url, "not looked up yet")).status_code == 401
    finally:
        assert gateway.stop() == 0
        own.stop()


CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "get-job", "arguments": {"id": 1}},
}


@pytest.mark.parametrize("is_refused", [False, True])
async def test_an_answer_carries_the_id_of_its_request(
    gateway: Gateway, token: str, is_refused: bool
) -> None:
    bearer = "wrong" if is_refused else token

    answer = await post(gateway.url, bearer, **{"X-Request-Id": "agent-7"})

    assert answer.status_code == (401 if is_refused else 200)
    assert answer.headers.get_list("x-request-id") == ["agent-7"]


async def test_a_request_without_an_id_gets_one(gateway: Gateway, token: str) -> None:
    answers = [await post(gateway.url, token) for _ in range(2)]

    first, second = (answer.headers["x-request-id"] for answer in answers)
    assert first != second
