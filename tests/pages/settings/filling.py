"""A team with settings as people have them: channels that work and fail, a rotation, limits, a trail."""

import json
from dataclasses import replace

from redis.asyncio import Redis

from services.worker.intake.claims import Claims
from services.worker.work import Complete, Dead, Result
from shared.actions import crons, executions, limits, notifications, queues, signatures
from shared.actions.redaction import of_team
from shared.operations import Call
from shared.schemas.crons import CronCreate, CronUpdate
from shared.schemas.notifications import Notifications
from shared.schemas.queues import QueueCreate
from shared.schemas.teams import MonthlyLimits, Redaction
from shared.store import keyspace
from shared.store.keyspace import Team
from tests.calls import call_of

SHOP = Team(1)
SLACK = "https://hooks.slack.example/services/T1/B2/canary"
CHANNELS = {
    "email": {"to": ["ops@example.com", "ada@example.com"]},
    "slack": {"url": SLACK},
    "webhook": {"url": "https://ops.example.com/recuro/canary", "enabled": False},
}
SAID = "The channel answered with status 404: no_service"


async def set_channels(redis: Redis, **channels: object) -> None:
    wanted = Notifications.model_validate(channels or CHANNELS)
    await notifications.put(_call(redis, "set-notifications"), wanted)


async def alerted(redis: Redis, name: str = "nightly report", error: str = SAID) -> int:
    """A cron fails; its message arrives by e-mail, and not in the other channels. The id of the cron."""
    cron = CronCreate.model_validate(
        {"name": name, "url": "https://a.example/", "cron_expression": "0 0 1 1 *", "alert_threshold": 1}
    )
    made = await crons.create(_call(redis, "create-cron"), cron)
    await executions.create(_call(redis, "run-cron"), made.id)
    worker = Claims(redis, keyspace.SHARDS[0], "w")
    facts = json.dumps({"error_message": "The target answered with status 503."})
    for one in await worker.claim(8):
        await worker.finish([Result(one, Dead(), "", "", "http_server_error 503", facts)])
    for one in await worker.claim(8):
        is_mail = one.spec == "email"
        verdict = Complete() if is_mail else Dead()
        await worker.finish([Result(one, verdict, "", "", "" if is_mail else "http_client_error 404", error)])
    return made.id


async def sent(redis: Redis, **months: int) -> None:
    """So many requests by month, as m2026_11."""
    counts = {f"requests.{name[1:].replace('_', '-')}": count for name, count in months.items()}
    await redis.hset(keyspace.ledger(SHOP), mapping=counts)  # type: ignore[misc]


async def fill(redis: Redis) -> None:
    await set_channels(redis)
    failing = await alerted(redis)
    await signatures.rotate(_call(redis, "rotate-signing"), 24)
    await signatures.rotate(_call(redis, "rotate-signing"), 24)
    await limits.put(
        _call(redis, "set-limits"), MonthlyLimits(monthly_request_limit=100_000, soft_limit=80_000)
    )
    await of_team.put(_call(redis, "set-redaction"), Redaction(redact=("headers.X-Session", "body.**.pin")))
    await queues.create(_call(redis, "create-queue"), QueueCreate(name="letters-eu"))
    await crons.update(
        _call(redis, "update-cron"), failing, CronUpdate.model_validate({"cron_expression": "0 3 * * *"})
    )
    await sent(redis, m2026_11=84_112, m2026_10=61_204, m2026_09=44_000)


def _call(redis: Redis, operation: str) -> Call:
    return replace(call_of(redis, SHOP), operation=operation)
