"""A team in which somebody wrote hostile texts of every kind into all that can be written, as targets did into answers."""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.targets import target_of
from services.worker.work import Dead, Execution, Fail, Job, Result, Work
from shared import clock
from shared.actions import crons, executions, jobs, notifications, queues
from shared.actions.accounts import tokens, users
from shared.actions.redaction import of_team
from shared.operations import Call
from shared.schemas.accounts.tokens import TokenCreate
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.schemas.notifications import Notifications
from shared.schemas.queues import QueueCreate
from shared.schemas.teams import MAX_RULES, Redaction
from shared.security.caller import Caller
from shared.store import keyspace, moments
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.pages.kinds import KINDS, in_header, in_name, in_url

SHOP, SHARD = Team(1), keyspace.SHARDS[0]
TEXTS = list(KINDS.values())
HOOK = "https://hooks.slack.com/services/"


async def plant(redis: Redis) -> None:
    """One cron, queue, dead letter, waiting job, token, member and line of the trail for each text; ids as in TEXTS."""
    await notifications.put(
        call_of(redis, SHOP),
        Notifications.model_validate(
            {"slack": {"url": HOOK + in_url(TEXTS[0])}, "email": {"to": ["a@a.example"]}}
        ),
    )
    await _redaction(redis)
    for number, text in enumerate(TEXTS, 1):
        await _people(redis, number, text)
        await _settings(redis, number, text)
        await _cron(redis, number, text)
        await _jobs(redis, number, text)
    await _end(redis)
    await _end(redis)  # the messages of alerts that these made
    for number, text in enumerate(TEXTS, 1):
        await jobs.create(call_of(redis, SHOP), _job(number, text, delay=3600, body=text))
        await executions.create(call_of(redis, SHOP), number)  # a fire that has not ended


def queue_name(number: int, text: str) -> str:
    """Unique, whatever is left of the text."""
    return f"{in_name(text, 240)}{number}"


def call_by(redis: Redis, text: str, operation: str = "") -> Call:
    """By a token of that name, of a program of that name, for that reason."""
    caller = Caller(SHOP, frozenset({"admin"}), name=in_name(text))
    call = call_of(redis, SHOP, caller=caller)
    return replace(call, client=text, reason=text[:500], operation=operation or text, interface="mcp")


async def _people(redis: Redis, number: int, text: str) -> None:
    name = in_name(text, 90)
    await users.create(redis, email=f"{number}@example.com", name=f"{name}{number}", team="shop")


async def _redaction(redis: Redis) -> None:
    """As many of them as can be a rule."""
    rules: list[str] = []
    for text in TEXTS:
        with suppress(ValidationError):
            rules += Redaction(redact=(f"body.{text.replace('.', '')}"[:200],)).redact
    assert len(rules) > 20
    await of_team.put(call_of(redis, SHOP), Redaction(redact=tuple(rules[:MAX_RULES])))


async def _settings(redis: Redis, number: int, text: str) -> None:
    name = queue_name(number, text)
    limits = {"queues": [name], "scopes": ["read"], "name": name}
    await tokens.create(call_by(redis, text, "create-token"), TokenCreate.model_validate(limits))
    made = {"name": name, "alerts_enabled": True, "key_max_parallelism": 1}
    await queues.create(call_by(redis, text), QueueCreate.model_validate(made))


async def _cron(redis: Redis, number: int, text: str) -> None:
    fields: dict[str, Any] = {
        "name": queue_name(number, text),
        "url": f"https://a.example/?x={in_url(text)}"[:2000],
        "headers": {"X-Planted": in_header(text)[:1000]},
        "payload": text,
        "cron_expression": "0 3 * * *",
        "callback_url": f"https://b.example/?x={in_url(text)}"[:2000],
        "alert_threshold": 1,
        "success_assertions": [
            {"type": "body_contains", "value": text[:200]},
            {"type": "header_equals", "name": "X-A", "value": text[:200]},
        ],
    }
    await crons.create(call_by(redis, text), CronCreate.model_validate(fields))
    await executions.create(call_by(redis, text), number)


async def _jobs(redis: Redis, number: int, text: str) -> None:
    await jobs.create(call_by(redis, text), _job(number, text, payload={text[:500]: text, "n": [text]}))


def _job(number: int, text: str, **more: object) -> JobCreate:
    url = f"https://a.example/?x={in_url(text)}"[:2000]
    fields = {
        "queue": queue_name(number, text),
        "url": url,
        "headers": {"X-Planted": in_header(text)[:1000]},
        "callback_url": url,
        "key": in_name(text, 100),
    }
    return JobCreate.model_validate({**fields, **more})


async def _end(redis: Redis) -> None:
    """All that waits is answered by a target that answers with the text of what called it."""
    worker, now = Claims(redis, SHARD, "w"), clock.milliseconds(await moments.now(redis, SHARD))
    while works := await worker.claim(64, now):
        await worker.finish([_result(one, now) for one in works], now)


def _result(work: Work, now: int) -> Result:
    number = int(work.cron) if isinstance(work, Execution) else work.id
    text = TEXTS[(number - 1) % len(TEXTS)]
    named = {"X-Planted": text, text[:200]: "as a name", "X-Many": [text, text], "Content-Type": text}
    url = f"https://a.example/{text}"
    phases = [19, 1, 321, 5, text[:100], text[:100], 2, 18, 41]
    run = [1, 503, 9, now, text, named, True, "http_server_error", text, None, {"X": text}, text]
    told = json.dumps([*run, phases, "POST", url, True])
    facts = json.dumps({"url": url, "error_message": text, "response": text, "response_status": 503})
    if not isinstance(work, Job | Execution):
        return Result(work, Dead(), "", "", "http_client_error 404", text)
    target = target_of(f"https://{in_header(text)[:50]}/") if isinstance(work, Job) else ""
    verdict = Dead() if isinstance(work, Job) else Fail()
    return Result(work, verdict, told, text, "http_server_error 503", facts, target=target)
