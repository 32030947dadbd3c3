"""What rules name is put everywhere that it may be, and searched in everything that comes out."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.channels import EXAMPLE, given_for
from tests.installation import TOKEN, Installation
from tests.poll import until
from tests.target import Target

CARD, SESSION, PIN = "4111-canary-card-1111", "canary-of-a/session 7", "canary-of-a-pin"
ANSWERED = "canary-of-an-answer"
CANARIES = (CARD, SESSION, quote(SESSION), quote(SESSION, safe=""), PIN, ANSWERED)
RULES = ["headers.X-Session", "body.card", "body.**.pin"]
HEADERS = {"X-Session": SESSION, "X-Tenant": "7"}
PAYLOAD = {"card": {"number": CARD}, "logins": [{"pin": PIN}], "n": 1}
EVERYWHERE = json.dumps({"you": PAYLOAD, "pin": ANSWERED, "sent": HEADERS})
READ = ("jobs", "crons", "alerts", "queues", "executions", "dead-letters", "audit", "usage", "stats")
ODD: dict[str, tuple[int, str]] = {
    "/plain": (200, EVERYWHERE),
    "/fails": (500, EVERYWHERE),
    "/nested": (200, json.dumps({"raw": json.dumps({"raw": EVERYWHERE})})),
    "/escaped": (500, EVERYWHERE.replace("c", "\\u0063").replace("/", "\\/")),
    "/text": (500, f"no card {CARD} of {SESSION}"),
    "/cut": (200, json.dumps({"n": 1, "filler": "." * 70_000, "you": PAYLOAD})),
    "/half": (200, EVERYWHERE[:-20]),
    "/moves": (302, ""),
}
ECHOES: dict[str, Any] = {
    "x_was": f"{SESSION}, {CARD}",
    "x_session": ANSWERED,
    "location": f"https://a.example/?{quote(SESSION)}",
}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("installation")
    with Installation(folder, environment={"RECURO_LOG_LEVEL": "DEBUG"}) as running:
        yield running


@pytest.fixture(scope="module")
def said(installation: Installation) -> dict[str, str]:
    """All that was answered, and told to callbacks and channels, by where it came from."""
    with Target() as target:
        for path, (status, body) in ODD.items():
            target.answer(path, status, body.encode(), **ECHOES)
        answers = _made(installation, target)
        _until_done(installation)
        answers["replayed"] = _replayed(installation)
        _until_done(installation)
        for path in READ:
            answers[path] = installation.client.get(f"/api/{path}").text
        for number in range(1, 3 * len(ODD)):
            for path in (f"jobs/{number}", f"crons/{number}", f"crons/{number}/executions"):
                answers[path] = installation.client.get(f"/api/{path}").text
        told = [one for one in target.received if one.path in ("/told", "/channel")]
        answers["told"] = "".join(f"{one.headers}{one.body!r}" for one in told)
        sent = [one for one in target.received if one.path in ODD]
        assert {one.path for one in told} == {"/told", "/channel"}
        assert {one.headers["X-Session"] for one in sent} == {SESSION}
        assert all(json.loads(one.body) == PAYLOAD for one in sent)
        assert len(sent) > 2 * len(ODD)
    answers["tools"] = asyncio.run(_tools(installation))
    return answers


def _made(installation: Installation, target: Target) -> dict[str, str]:
    """Jobs of a queue with rules, and crons of a team with rules."""
    rest, answers = installation.client, dict[str, str]()
    channels: dict[str, Any] = {}
    for name in EXAMPLE:
        channels |= given_for(name, f"{target.url}/channel")
    rest.put("/api/settings/notifications", json=channels)
    queue = {"name": "mail", "retry_delays": [1], "alerts_enabled": True, "redact": RULES}
    made_queue = rest.post("/api/queues", json=queue)
    assert made_queue.status_code == 201, made_queue.text
    answers["queue"] = made_queue.text
    around = {"headers": HEADERS, "callback_url": f"{target.url}/told"}
    for path in ODD:
        job = {"queue": "mail", "url": target.url + path, "payload": PAYLOAD, **around}
        answers[f"job {path}"] = rest.post("/api/jobs", json=job).text
    answers["rules"] = rest.put("/api/settings/redaction", json={"redact": RULES}).text
    cron = {
        "name": "pay",
        "cron_expression": "0 0 1 1 *",
        "alert_threshold": 1,
        "payload": json.dumps(PAYLOAD),
    }
    for path in ODD:
        made = rest.post("/api/crons", json={**cron, **around, "url": target.url + path})
        answers[f"cron {path}"] = made.text
        answers[f"run {path}"] = rest.post(f"/api/crons/{made.json()['id']}/run").text
    return answers


def _replayed(installation: Installation) -> str:
    answer = installation.client.post("/api/dead-letters/replay", json={"all": True, "rate": 100})
    assert answer.status_code == 202
    return answer.text


def _until_done(installation: Installation) -> None:
    async def done() -> bool:
        jobs = installation.client.get("/api/jobs", params={"per_page": 100}).json()["data"]
        crons = installation.client.get("/api/crons").json()["data"]
        ended = [one for one in jobs if one["final_status"] not in (None, "retrying")]
        print(
            [
                (
                    o["id"],
                    o["status"],
                    o["final_status"],
                    o["callback_status"],
                    o["is_retry"],
                    o["waits_for"],
                    o["url"][-6:],
                )
                for o in jobs
            ],
            [c["last_status"] for c in crons],
        )
        told = [one for one in ended if one["callback_status"]]
        return len(told) == len(jobs) and all(one["last_status"] for one in crons)

    asyncio.run(until(done, 120))


async def _tools(installation: Installation) -> str:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False) as http,
        Client(streamable_http_client(installation.mcp, http_client=http)) as client,
    ):
        answers = [await client.call_tool(name, {"id": 1}) for name in ("get-job", "get-cron")]
        answers += [await client.call_tool(name, {}) for name in ("list-jobs", "list-crons")]
        return "".join(answer.model_dump_json() for answer in answers)


def test_no_answer_and_no_message_has_what_the_rules_name(said: dict[str, str]) -> None:
    assert [where for where, text in said.items() if any(one in text for one in CANARIES)] == []
    assert "[redacted]" in said["jobs/1"]
    assert "[redacted: not JSON]" in said["jobs"]


def test_no_log_line_has_it(installation: Installation, said: dict[str, str]) -> None:
    logs = {path.name: path.read_text() for path in installation.folder.glob("*.log")}

    assert sum(text.count("\n") for text in logs.values()) > 20
    assert [name for name, text in logs.items() if "canary" in text] == []


def test_redis_was_never_told_it(installation: Installation, said: dict[str, str]) -> None:
    """Its log has every write in the clear, of keys that are gone too."""
    written = b"".join(path.read_bytes() for path in (installation.folder / "redis").rglob("*.aof"))

    assert b"x-session" in written.lower()
    assert b"canary" not in written
