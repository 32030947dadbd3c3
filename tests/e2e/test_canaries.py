"""Secrets that were put everywhere they may be are searched in everything that comes out."""

import asyncio
import base64
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from redis import Redis

from shared.security.vault import MASK
from tests.channels import EXAMPLE, HOOKS, given_for
from tests.installation import RECURO, TOKEN, Installation, free_port
from tests.poll import until
from tests.target import Target

HEADER, BODY, KEY = (
    "canary-of-a-header-5f1c",
    "canary-of-a-body-77aa",
    "canary-of-the-encryption-key-0123456789",
)
CHANNEL, PASSWORD = "canary-of-a-channel-91bd", "canary-of-the-mail-password-3e"
SECOND = "canary-of-a-second-header-c0de"
ENCODED = base64.b64encode(HEADER.encode()).decode()
SECRETS = (HEADER, ENCODED, SECOND, BODY, KEY, CHANNEL, PASSWORD, TOKEN)
HEADERS = {
    "Authorization": f"Bearer {HEADER}",
    "Cookie": f"session={HEADER}",
    "X-Api-Key": HEADER,
    "X-Access-Token": HEADER,
    "Client-Secret": HEADER,
}
READ = (
    *("/healthz", "/readyz", "/api/queues", "/api/usage", "/api/alerts", "/api/dead-letters/replays"),
    *("/api/settings/limits", "/api/settings/notifications", "/api/settings/signing"),
)
PATHS = ("/works", "/fails", "/echo", "/echo-fails", "/echo-moves")
NOWHERE = f"http://127.0.0.1:{free_port()}/"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("installation")
    settings = {
        "RECURO_ENCRYPTION_KEY": KEY,
        "RECURO_LOG_LEVEL": "DEBUG",
        "RECURO_SMTP_HOST": "127.0.0.1",
        "RECURO_SMTP_PORT": "1",
        "RECURO_SMTP_FROM": "recuro@example.com",
        "RECURO_SMTP_PASSWORD": PASSWORD,
    }
    with Installation(folder, environment=settings) as running:
        yield running


@pytest.fixture(scope="module")
def story(installation: Installation) -> dict[str, str]:
    """Everything that was answered while secrets went through every door, by where it came from."""
    with Target() as target, Target() as stranger:
        return _played(installation, target) | _moved(installation, target, stranger)


def _played(installation: Installation, target: Target) -> dict[str, str]:
    target.answer("/fails", 500, b"no")
    for path, status in (("/echo", 200), ("/echo-fails", 500), ("/echo-moves", 302)):
        target.echo(path, status)
    job = {
        "queue": "mail",
        "headers": HEADERS,
        "payload": {"note": BODY},
        "callback_url": f"{target.url}/told",
    }
    cron = {
        "name": "ping",
        "headers": HEADERS,
        "payload": BODY,
        "cron_expression": "0 0 1 1 *",
        "method": "POST",
        "callback_url": f"{target.url}/told",
        "alert_threshold": 1,
    }
    rest, said = installation.client, {}
    channels: dict[str, Any] = {}
    for name in EXAMPLE:
        channels |= given_for(name, f"{target.url}/{CHANNEL}")
    said["channels"] = rest.put("/api/settings/notifications", json=channels).text
    said["test call"] = rest.post("/api/settings/notifications/test", json={"channel": "email"}).text
    target.answer(f"/{CHANNEL}", 500, CHANNEL.encode())
    rest.post("/api/queues", json={"name": "mail", "retries_enabled": False, "alerts_enabled": True})
    for path in PATHS:
        said[f"job {path}"] = rest.post("/api/jobs", json={**job, "url": target.url + path}).text
        made = rest.post("/api/crons", json={**cron, "url": target.url + path})
        rest.post(f"/api/crons/{made.json()['id']}/run")
    rest.post("/api/jobs", json={**job, "url": NOWHERE})
    said["wrong address"] = rest.post("/api/jobs", json={**job, "url": "https://10.0.0.1/"}).text
    _until_done(installation, jobs=len(PATHS) + 1, crons=len(PATHS))

    said["wrong header"] = rest.post(
        "/api/jobs", json={"queue": "q", "url": "x", "headers": {"A\n": HEADER}}
    ).text
    said["wrong body"] = rest.post("/api/jobs", json={"queue": "q", "url": NOWHERE, "payload": BODY}).text
    said["wrong token"] = rest.get("/api/jobs", headers={"Authorization": f"Bearer {HEADER}"}).text
    said["not json"] = rest.post("/api/jobs", content=f'{{"queue": "{BODY}'.encode()).text
    for path in READ:
        said[path] = rest.get(path).text
    environment = {**installation.environment, "RECURO_REDIS_URL": installation.server.url}
    doctor = subprocess.run(
        [RECURO, "doctor", "--reconcile"], env=environment, capture_output=True, text=True
    )
    said["doctor"] = doctor.stdout + doctor.stderr
    return said


def _moved(installation: Installation, target: Target, stranger: Target) -> dict[str, str]:
    """What was said, and sent, while somebody tried to have the secrets carried to a host of his own."""
    rest, said, made = installation.client, {}, {"cron_expression": "0 0 1 1 *", "headers": HEADERS}
    elsewhere, masks = f"{stranger.url}/mine", dict.fromkeys(HEADERS, MASK)
    changes: dict[str, dict[str, Any]] = {
        "url": {"url": elsewhere},
        "masks": {"url": elsewhere, "headers": masks},
        "second secret": {"url": elsewhere, "headers": {**masks, "X-Second-Key": SECOND}},
        "callback": {"callback_url": elsewhere},
        "scheme and port": {"url": elsewhere.replace("http:", "https:"), "callback_url": elsewhere},
    }
    for number, (name, change) in enumerate(changes.items()):
        cron = {**made, "name": name, "url": f"{target.url}/echo"}
        cron_id = rest.post("/api/crons", json=cron).json()["id"]
        if number % 2:
            said[name] = asyncio.run(_call(installation, "update-cron", id=cron_id, **change))
        else:
            said[name] = rest.request(
                ("PATCH", "PUT")[number // 2 % 2], f"/api/crons/{cron_id}", json=change
            ).text
        rest.post(f"/api/crons/{cron_id}/run")
        _until_run(installation, cron_id)
        said[f"{name} later"] = rest.get(f"/api/crons/{cron_id}").text
    hooks: dict[str, Any] = {}
    for name in HOOKS:
        hooks |= given_for(name, f"{stranger.url}/{MASK}")
    refused = rest.put("/api/settings/notifications", json=hooks)
    assert refused.status_code == 422
    said["channels elsewhere"] = refused.text
    said["replay"] = _replayed(installation, target)
    sent = "".join(f"{one.headers}{one.body!r}" for one in stranger.received)
    assert SECOND in sent  # which was given anew, and for there
    said["sent elsewhere"] = sent.replace(SECOND, "")
    told = [one for one in target.received if one.path in ("/told", f"/{CHANNEL}")]
    said["told"] = "".join(f"{one.headers}{one.body!r}" for one in told).replace(
        BODY, ""
    )  # what the owner sent
    assert len(stranger.received) >= len(changes)
    assert {one.path for one in told} == {"/told", f"/{CHANNEL}"}
    for path in ("/api/jobs", "/api/crons", "/api/alerts", "/api/crons/3/executions", "/api/jobs/3"):
        said[f"{path} at the end"] = rest.get(path).text.replace(BODY, "")
    return said


def _replayed(installation: Installation, target: Target) -> str:
    """A dead letter is tried again with what it had, where it was meant to go."""
    installation.client.post("/api/queues", json={"name": "dead", "retry_delays": []})
    job = {"queue": "dead", "url": f"{target.url}/echo-fails", "headers": HEADERS}
    first = installation.client.post("/api/jobs", json=job).json()["job_id"]
    _until_ended(installation, first)
    replayed = installation.client.post("/api/dead-letters/replay", json={"ids": [first]})
    again = replayed.json()["replayed"][0]["new_job_id"]
    _until_ended(installation, again)
    return replayed.text + installation.client.get(f"/api/jobs/{again}").text


def _until_ended(installation: Installation, job: int) -> None:
    async def ended() -> bool:
        return installation.client.get(f"/api/jobs/{job}").json()["status"] in ("completed", "failed")

    asyncio.run(until(ended, 60))


def _until_run(installation: Installation, cron: int) -> None:
    async def ended() -> bool:
        (run,) = installation.client.get(f"/api/crons/{cron}/executions").json()["data"]
        told = (
            installation.client.get(f"/api/crons/{cron}").json()["callback_url"] is None
            or run["callback_status"]
        )
        return run["status"] in ("completed", "failed") and bool(told)

    asyncio.run(until(ended, 60))


def _until_done(installation: Installation, jobs: int, crons: int) -> None:
    async def done() -> bool:
        page = installation.client.get("/api/jobs").json()["data"]
        ended = [row for row in page if row["status"] in ("completed", "failed") and row["callback_status"]]
        runs = [
            installation.client.get(f"/api/crons/{cron + 1}").json()["last_status"] for cron in range(crons)
        ]
        return len(ended) == jobs and all(runs)

    asyncio.run(until(done, 60))


def test_no_answer_holds_a_secret(story: dict[str, str]) -> None:
    assert [where for where, text in story.items() if any(secret in text for secret in SECRETS)] == []


def test_a_reader_sees_masks_and_no_more(installation: Installation, story: dict[str, str]) -> None:
    lists = {
        path: installation.client.get(path).text
        for path in ("/api/jobs", "/api/jobs/1", "/api/crons", "/api/crons/1")
    }

    assert [path for path, text in lists.items() if HEADER in text] == []
    assert json.loads(lists["/api/jobs/1"])["headers"] == dict.fromkeys(HEADERS, MASK)
    assert json.loads(lists["/api/crons/1"])["headers"] == dict.fromkeys(HEADERS, MASK)


async def test_no_tool_tells_a_secret(installation: Installation, story: dict[str, str]) -> None:
    said = [await _call(installation, tool, id=1) for tool in ("get-job", "get-cron")]
    said += [await _call(installation, tool) for tool in ("list-jobs", "list-crons", "create-cron")]
    said.append(
        await _call(installation, "create-job", queue="q", url="x", headers={"Cookie": HEADER}, payload=BODY)
    )

    assert [text for text in said if any(secret in text for secret in (HEADER, TOKEN, KEY))] == []


async def _call(installation: Installation, tool: str, **arguments: Any) -> str:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False) as http,
        Client(streamable_http_client(installation.mcp, http_client=http)) as client,
    ):
        return (await client.call_tool(tool, arguments)).model_dump_json()


def test_no_log_line_holds_a_secret(installation: Installation, story: dict[str, str]) -> None:
    logs = {path.name: path.read_text() for path in installation.folder.glob("*.log")}
    assert sum(text.count("\n") for text in logs.values()) > 20
    assert [name for name, text in logs.items() if any(secret in text for secret in SECRETS)] == []


def test_redis_was_never_told_a_secret(installation: Installation, story: dict[str, str]) -> None:
    """Its log has every write in the clear, of keys that are gone too."""
    written = b"".join(path.read_bytes() for path in (installation.folder / "redis").rglob("*.aof"))

    assert b"x-api-key" in written.lower()
    kept_out = (HEADER, ENCODED, SECOND, TOKEN, KEY, CHANNEL, PASSWORD)
    assert [secret for secret in kept_out if secret.encode() in written] == []


def test_no_event_tells_of_a_body(installation: Installation, story: dict[str, str]) -> None:
    with Redis.from_url(installation.server.url, decode_responses=True) as redis:
        told = redis.xrange("r:{s0}:events")

    assert len(told) > 10
    assert [fields for _, fields in told if BODY in str(fields)] == []


def test_the_target_got_every_secret(installation: Installation, story: dict[str, str]) -> None:
    """Else the search would have found nothing because nothing was there."""
    with Target() as target:
        installation.client.post("/api/jobs", json={"queue": "q", "url": target.url, "headers": HEADERS})
        _until_done_at(target)

    assert {name: target.received[0].headers[name] for name in HEADERS} == HEADERS


def _until_done_at(target: Target) -> None:
    async def done() -> bool:
        return bool(target.received)

    asyncio.run(until(done, 60))


def test_a_signing_secret_is_told_once_and_never_again(
    installation: Installation, story: dict[str, str]
) -> None:
    secret = installation.client.post("/api/settings/signing").json()["secret"]
    with Target() as target:
        installation.client.post("/api/jobs", json={"queue": "q", "url": target.url})
        _until_done_at(target)

    written = b"".join(path.read_bytes() for path in (installation.folder / "redis").rglob("*.aof"))
    logs = "".join(path.read_text() for path in installation.folder.glob("*.log"))
    assert "webhook-signature" in target.received[0].headers
    assert secret not in installation.client.get("/api/settings/signing").text + logs
    assert secret.encode() not in written
