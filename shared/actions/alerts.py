"""What a caller can do to alerts."""

import asyncio
import time
from collections.abc import Sequence

from pydantic_core import from_json
from redis.asyncio import Redis

from shared import clock
from shared.actions import notifications
from shared.basics import words
from shared.errors import Conflict, Invalid, NotFound
from shared.operations import Call
from shared.schemas.alerts import (
    Alert,
    Alertable,
    AlertFacts,
    AlertNotice,
    AlertPage,
    AlertQuery,
    AlertType,
    ChannelTest,
)
from shared.schemas.base import Page
from shared.schemas.kinds import Kind
from shared.schemas.notices import NoticeStatus
from shared.schemas.notifications import Channel
from shared.store import connection, paging, records, transitions
from shared.store.keyspace import Team
from shared.store.records import Fields

TEST = "test"
WAIT_SECONDS, LOOK_SECONDS = 10.0, 0.2
"""How long a test message waits for its outcome, which a worker has to bring."""


async def get(redis: Redis, team: Team, alert_id: int) -> Alert:
    found = await _read(redis, team, [alert_id])
    if not found:
        raise NotFound("Alert")
    return found[0]


async def page(redis: Redis, team: Team, query: AlertQuery) -> Page[Alert]:
    """Alerts newest first, by type, cron or queue."""
    listing = paging.Listing(
        _indexes(team, query),
        read=lambda ids: _read(redis, team, ids),
        matches=lambda alert, text: (
            query.filter in (None, alert.type) and words.contains(text, alert.message)
        ),
        is_filtered=query.filter is not None and (query.cron_id or query.queue_id) is not None,
    )
    return await paging.read_page(redis, team, listing, query)


async def listed(redis: Redis, team: Team, query: AlertQuery) -> AlertPage:
    """The same, with how much of what alerts tell of is not over."""
    found, is_open = await asyncio.gather(page(redis, team, query), count_open(redis, team))
    return AlertPage(**dict(found), open=is_open)


async def count_open(redis: Redis, team: Team) -> int:
    """How many crons fail and how many problems of queues are open, of those that alerts tell of."""
    return await transitions.count_open_alerts(redis, team)


def _indexes(team: Team, query: AlertQuery) -> list[str]:
    if query.cron_id:
        return [f"x:{team.id}:c{query.cron_id}:alerts"]
    if query.queue_id:
        return [f"x:{team.id}:q{query.queue_id}:alerts"]
    return [f"x:{team.id}:alerts:{type_}" for type_ in ([query.filter] if query.filter else AlertType)]


async def test(call: Call, channel: Channel) -> int:
    """Send a test message to a channel; `outcome` takes the id."""
    await notifications.check_reach(call, channel)
    return await transitions.test_channel(call.redis, call.team, channel=channel, write=call.write())


async def tried(call: Call, channel: Channel) -> ChannelTest:
    """Send a test message, and wait a while for its outcome; raises Invalid if it is not set up."""
    known = await notifications.get(call.redis, call.vault, call.team)
    if getattr(known, channel) is None:
        raise Invalid(
            "channel", f"The channel field names {channel}, which is not set up; PUT its settings first."
        )
    test_id = await test(call, channel)
    deadline = time.monotonic() + WAIT_SECONDS
    with connection.begun():
        while True:
            found = await outcome(call.redis, call.team, test_id, channel)
            if found.status != NoticeStatus.PENDING or time.monotonic() > deadline:
                return found
            await asyncio.sleep(LOOK_SECONDS)


async def resend(call: Call, alert_id: int, channel: Channel | None) -> Alert:
    """Send its message once more by a channel, or by all that failed.

    Raises NotFound, Forbidden if the token may not reach a channel, Invalid or Conflict if nothing is sent.
    """
    for one in [channel] if channel else await _undelivered(call, alert_id):
        await notifications.check_reach(call, one)
    answer = await transitions.resend_alert(
        call.redis, call.team, alert=alert_id, channel=channel, write=call.write()
    )
    if answer is False:
        raise NotFound("Alert")
    if answer is not True:
        raise _not_resent(answer, channel)
    return await get(call.redis, call.team, alert_id)


async def _undelivered(call: Call, alert_id: int) -> list[Channel]:
    """The channels that have not delivered it, also those that may fail before it is sent again."""
    deliveries = (await get(call.redis, call.team, alert_id)).deliveries
    return [one.channel for one in deliveries if one.status != NoticeStatus.DELIVERED]


def _not_resent(why: str, channel: Channel | None) -> Invalid | Conflict:
    if channel is None:
        return Conflict("No channel failed to deliver this alert; name a channel to send it by that one")
    if why == "unset":
        return Invalid(
            "channel", f"The channel field names {channel}, which is not set up; PUT its settings first."
        )
    if why == NoticeStatus.DELIVERED:
        return Conflict(f"{channel} has delivered this alert")
    return Conflict(f"{channel} is still trying to deliver this alert; look again in some minutes")


async def is_test(redis: Redis, team: Team, alert_id: int) -> bool:
    rows = await transitions.read_alerts(redis, team, [alert_id])
    return bool(rows) and records.fields_of(rows[0].fields)["type"] == TEST


async def outcome(redis: Redis, team: Team, test_id: int, channel: Channel) -> ChannelTest:
    """The result of a test message of the last hour."""
    rows = await transitions.read_alerts(redis, team, [test_id])
    fields = records.fields_of(rows[0].fields) if rows else {}
    if fields.get("type") != TEST:
        raise NotFound("Test")
    (delivery,) = _deliveries(fields)
    return ChannelTest(id=test_id, channel=channel, status=delivery.status, error=delivery.error)


async def _read(redis: Redis, team: Team, ids: Sequence[int]) -> list[Alert]:
    rows = await transitions.read_alerts(redis, team, ids)
    read = [(int(row.id), records.fields_of(row.fields)) for row in rows]
    return records.each("alert", [row for row in read if row[1].get("type") != TEST], _alert)


def _alert(alert_id: int, fields: Fields) -> Alert:
    data = _data(fields)
    kind, _, ref = fields["ref"].partition(":")
    name = fields["name"] or (None if fields["kind"] == "team" else f"{fields['kind']} {fields['of']}")
    message = _message(AlertType(fields["type"]), Alertable(fields["kind"]), name, data)
    return Alert(
        id=alert_id,
        type=AlertType(fields["type"]),
        alertable_type=Alertable(fields["kind"]),
        alertable_id=int(fields["of"]),
        job_id=int(ref) if kind == Kind.JOB else None,
        message=_with_notes(message, fields),
        data=data,
        notified_at=records.instant(fields, "notified"),
        created_at=clock.moment(fields["created"]),
        name=name,
        count=int(fields["count"]),
        uncounted=int(fields["before"]),
        since=clock.moment(fields["since"]),
        has_paused="paused" in fields,
        was_quiet="was_quiet" in fields,
        deliveries=_deliveries(fields),
    )


def _data(fields: Fields) -> AlertFacts:
    facts = from_json(fields["facts"]) if fields["facts"] else {}
    reason = fields["reason"].partition(" ")[0] or None
    counts = {"problem_id": fields.get("problem") or None, "affected_crons": fields.get("affected") or None}
    facts = {"failure_reason": reason, **facts, "consecutive_failures": int(fields["failures"]), **counts}
    if "labels" in fields:
        facts["labels"] = from_json(fields["labels"]) | facts.get("labels", {})
    return AlertFacts.model_validate(facts, extra="ignore")


def _deliveries(fields: Fields) -> tuple[AlertNotice, ...]:
    return tuple(
        AlertNotice(
            channel=channel,
            status=NoticeStatus(fields[f"channel:{channel}"]),
            error=fields.get(f"error:{channel}") or None,
        )
        for channel in Channel
        if f"channel:{channel}" in fields
    )


def _with_notes(message: str, fields: Fields) -> str:
    """What was done because of it, or ends with it."""
    if "paused" in fields:
        return f"{message.rstrip('.: ')}. It is paused until its is_active is set to true."
    if "was_quiet" in fields:
        return f"{message.rstrip('.: ')}. It was ignored until then, and is no more."
    return message


def _message(type_: AlertType, of: Alertable, name: str | None, data: AlertFacts) -> str:
    """One sentence; the messages of the channels say more."""
    why = data.error_message or str(data.failure_reason or "").replace("_", " ")
    times = data.consecutive_failures
    often = "once" if times == 1 else f"{times} times"
    match type_, of:
        case AlertType.LIMIT_WARNING, _:
            return f"The team has made {times:,} requests this month, more than its soft limit."
        case AlertType.STORAGE_WARNING, _:
            return "Redis is nearly out of memory: until it has more, crons are skipped."
        case AlertType.RECOVERY, _:
            again = "goes well again" if of == Alertable.QUEUE else "works again"
            return f"{name} {again} after it failed {often}."
        case AlertType.WARNING, Alertable.TEAM:
            return f"{name} asks for a rest: {why}"
        case AlertType.WARNING, Alertable.QUEUE:
            return f"A job of {name} has begun to fail: {why}"
        case AlertType.WARNING, _:
            return f"{name} has begun to fail: {why}"
        case AlertType.FAILURE, Alertable.QUEUE:
            return f"A job of {name} was tried {often} and failed for good: {why}"
        case _:
            return f"{name} failed {often}{' in a row' if times > 1 else ''}: {why}"
