"""A team with crons as people have them: well, failing, silent, paused, long, and with a past of their own."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Fail, Result
from shared import clock
from shared.actions import crons, executions
from shared.schemas.base import Page
from shared.schemas.crons import Cron, CronCreate, CronUpdate, Execution, ExecutionQuery
from shared.store import keyspace, moments
from shared.store.keyspace import Team
from tests.calls import call_of

SHOP = Team(1)
SHARD = keyspace.SHARDS[0]
LATE = timedelta(seconds=41)
BODY = '{"invoices": 1204, "sent": true}'
LONG_NAME = "Quarterly export for the tax office, all entities and years " * 4


async def a_cron(redis: Redis, past: str = "", *, team: Team = SHOP, **fields: object) -> Cron:
    """A cron with a fire for each letter of `past`, the last one just before now.

    o: completed, l: late, x: failed with 503, t: timed out, s: it was missed.
    """
    now = await moments.now(redis, SHARD)
    given = {"name": "Nightly invoices", "url": "https://billing.example.com/invoices/run"}
    wanted = CronCreate.model_validate({"cron_expression": "30 2 * * *", **given, **fields})
    begin = await _begin(redis, wanted, len(past), now)
    made = await crons.create(call_of(redis, team), wanted, begin)
    for number, letter in enumerate(past):
        cron = await crons.get(redis, team, made.id)
        if cron.next_run_at and cron.next_run_at <= now:
            await _fire(redis, cron, letter, number)
    return await crons.get(redis, team, made.id)


async def _begin(redis: Redis, wanted: CronCreate, fires: int, now: datetime) -> datetime:
    """So long ago that it has fired so often by now."""
    begin = now
    if fires:
        fields = wanted.model_dump()
        step = _step_of(fields["cron_expression"])
        begin = now - step * fires
    return begin


def _step_of(expression: str) -> timedelta:
    fields = expression.split()
    if len(fields) == 6:
        return timedelta(seconds=int(fields[0].removeprefix("*/")))
    minute, hour, *_ = fields
    if minute.startswith("*/"):
        return timedelta(minutes=int(minute.removeprefix("*/")))
    if hour.startswith("*/"):
        return timedelta(hours=int(hour.removeprefix("*/")))
    return {("*", "*"): timedelta(minutes=1), ("0", "*"): timedelta(hours=1)}.get(
        (minute, hour), timedelta(days=1)
    )


async def _fire(redis: Redis, cron: Cron, letter: str, number: int) -> None:
    assert cron.next_run_at
    delay = {"l": LATE, "s": timedelta(minutes=95)}.get(letter, timedelta(milliseconds=120))
    at = cron.next_run_at + delay
    await fire_due(redis, SHARD, at)
    claims = Claims(redis, SHARD, "w")
    works = await claims.claim(64, clock.milliseconds(at))
    took = 30_000 if letter == "t" else 1100 + 37 * (number * 7 % 31)
    done = at + timedelta(milliseconds=took)
    results = [
        Result(
            work,
            Complete() if letter in "ol" else Fail(),
            run_text(letter, at, took),
            BODY if letter in "ol" else "upstream pool exhausted",
            reason_of(letter),
            took_ms=took,
        )
        for work in works
    ]
    await claims.finish(results, clock.milliseconds(done))


def reason_of(letter: str) -> str:
    return {"x": "http_server_error", "t": "timeout"}.get(letter, "")


def run_text(letter: str, at: datetime, took: int, body: str = BODY) -> str:
    """A run as it is stored."""
    answered = {"x": (503, "upstream pool exhausted"), "t": (None, None)}.get(letter, (200, body))
    said = {"x": "The target answered with status 503.", "t": "Nothing came within 30 s."}.get(letter)
    phases = [120, 3, took - 20, 2, "worker-1:7", "203.0.113.7", 4, 5, 6]
    headers = {"content-type": "application/json", "server": "nginx"}
    sent = {"Authorization": "********", "Content-Type": "application/json", "Idempotency-Key": "e-17"}
    fields: Sequence[object] = (
        *(1, answered[0], took, clock.milliseconds(at), answered[1], headers if answered[0] else None, False),
        *(reason_of(letter) or None, said, None, sent, '{"dry": false}', phases),
        *("POST", "https://billing.example.com/invoices/run", False),
    )
    return json.dumps(fields, separators=(",", ":"))


async def fill(redis: Redis, team: Team = SHOP) -> None:
    """As the drawing of the list has them, the newest first."""
    berlin, well = {"timezone": "Europe/Berlin"}, "o" * 30
    rows: tuple[tuple[str, dict[str, object]], ...] = (
        ("o" * 26 + "xxxx", {"name": "Old importer", "cron_expression": "20 * * * *", "url": "https://old.example.org/import"}),
        ("oooo", {"name": LONG_NAME[:255], "url": f"https://data.example.net/exports/vat?{'format=xml&' * 40}", **berlin}),
        (well, {"name": "Expire trials", "cron_expression": "0 0 * * *", "timezone": "America/New_York", "url": "https://api.example.com/internal/trials/expire"}),
        ("o" * 8, {"name": "Watch the price of item 88", "cron_expression": "*/10 * * * *", "method": "GET", "url": "https://shop.example.com/items/88"}),
        ("o" * 12 + "x" + "o" * 17, {"name": "Currency rates", "cron_expression": "5 */4 * * *", "method": "GET", "url": "https://rates.example.org/latest?base=EUR"}),
        ("o" * 29 + "l", {"name": "Daily digest", "cron_expression": "0 9 * * *", "url": "https://mail.example.com/digest", "timezone": "Europe/Paris"}),
        (well, {"name": "Warm the cache", "cron_expression": "*/30 * * * * *", "method": "GET", "url": "https://www.example.com/?warm=1"}),
        ("o" * 24 + "sss" + "ooo", {"name": "Hourly rollup", "cron_expression": "0 * * * *", "misfire_policy": "skip", "misfire_window_seconds": 600, "url": "https://data.example.net/rollup"}),
        (well, {"name": "Health check", "cron_expression": "* * * * *", "method": "GET", "url": "https://api.example.com/health"}),
        ("o" * 8 + "xxxxxx" + "o" * 16, {"name": "Sync stock", "cron_expression": "*/15 * * * *", "url": "https://shop.example.com/hooks/stock"}),
        ("", {"name": "Backup of the database", "mode": "heartbeat", "url": "", "cron_expression": "0 3 * * *", **berlin}),
        ("o" * 9 + "s" + "o" * 5 + "l" + "o" * 11 + "txx", {
            **berlin, "headers": {"Authorization": "Bearer abc", "X-Run": "nightly"}, "payload": '{"dry": false}',
            "alert_threshold": 2, "overlap_policy": "skip", "misfire_policy": "skip", "misfire_window_seconds": 3600,
            "success_assertions": [{"type": "json_path_equals", "path": "$.errors", "value": "0"}],
            "labels": {"team": "billing"},
        }),
    )  # fmt: skip
    made = [await a_cron(redis, past, team=team, **fields) for past, fields in rows]
    await crons.update(call_of(redis, team), made[0].id, CronUpdate(is_active=False))


async def newest(redis: Redis, cron: int, team: Team = SHOP) -> Execution:
    """The newest execution of a cron."""
    found = await executions.page(redis, team, cron, ExecutionQuery(per_page=1))
    return found.data[0]


async def past_of(redis: Redis, cron: int, team: Team = SHOP) -> Page[Execution]:
    return await executions.page(redis, team, cron, ExecutionQuery(per_page=100))


async def end_all(redis: Redis) -> None:
    """End well what waits to be sent, as a worker does."""
    claims, now = Claims(redis, SHARD, "w"), await moments.now(redis, SHARD)
    at = clock.milliseconds(now)
    works = await claims.claim(64, at)
    await claims.finish([Result(work, Complete(), run_text("o", now, 1200), BODY) for work in works], at)
