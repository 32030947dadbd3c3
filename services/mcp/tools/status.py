"""The tool that tells of the team as a whole: whether all is well."""

import asyncio
from typing import Annotated, Any

from pydantic import Field
from pydantic_core import to_json

from services.mcp import budgets, excerpts, headers
from services.mcp.excerpts import OUTSIDE
from services.mcp.tools.tool import Tool
from shared.actions import alerts, crons, limits, notifications, queues
from shared.actions.bulk import background
from shared.actions.reports import problems, stats
from shared.operations import Call
from shared.schemas.accounts.tokens import TokenLimits
from shared.schemas.alerts import AlertQuery
from shared.schemas.base import Instant, PageQuery, Schema
from shared.schemas.crons import CronFilter, CronQuery
from shared.schemas.notifications import Channel
from shared.schemas.queues import Queue
from shared.schemas.reports.problems import ProblemQuery, ProblemState
from shared.schemas.reports.stats import Percentiles, StatsBy, StatsQuery
from shared.store.care import overdue

SHOWN, BULKS, PER_PAGE, TEXT_BYTES = 10, 3, 100, 200
"""Rows of each kind, and of changes of many; queues that are read; bytes of a text in a row."""
_LIMITS = frozenset(TokenLimits.model_fields)


class StatusArguments(Schema):
    pass


class FailingCron(Schema):
    id: int
    name: str
    consecutive_failures: int
    last_run_at: Instant | None
    last_error: str | None


class OverdueCron(Schema):
    """No scheduler has made its fire."""

    id: int
    due_at: Instant


class QueueStatus(Schema):
    """A queue that is paused, or that has dead letters."""

    name: str
    is_active: bool
    pending: int
    dead_lettered: int


class OpenProblem(Schema):
    id: int
    failure_reason: str
    host: str | None
    path: str | None
    name: Annotated[str | None, Field(description="Of the queue or cron")]
    count: int
    last_seen_at: Instant


class LastAlert(Schema):
    id: int
    type: str
    message: str
    created_at: Instant


class LastHour(Schema):
    """Attempts of jobs and fires of crons."""

    completed: int
    failed: int
    retried: int
    skipped: int
    duration_ms: Percentiles


class Month(Schema):
    requests: int
    monthly_request_limit: int | None
    resets_at: Instant


class ManyStatus(Schema):
    """A change of many in the background."""

    id: int
    state: str
    noun: str
    matched: int
    done: int
    refused: int
    remaining: int


class TokenStatus(Schema):
    """What this token may do, and what it may not."""

    name: str
    may: list[str]
    limits: Annotated[dict[str, Any], Field(description="What it may do less than that")]
    budgets: Annotated[list[budgets.Budget], Field(description="What is left of its calls and runs")]


class Status(Schema):
    is_well: Annotated[bool, Field(description="Nothing fails, is open or is paused")]
    advice: Annotated[list[str], Field(description="What to look at, in a sentence each")]
    crons_active: int
    crons_paused: int
    crons_failing: int
    failing_crons: Annotated[list[FailingCron], Field(description=f"The first {SHOWN}")]
    crons_overdue: int
    overdue_crons: Annotated[
        list[OverdueCron], Field(description=f"The {SHOWN} latest, if no scheduler makes their fires")
    ]
    queues: Annotated[list[QueueStatus], Field(description="Those that are paused or have dead letters")]
    problems_open: int
    problems: Annotated[list[OpenProblem], Field(description=f"The last seen {SHOWN}")]
    alerts: Annotated[list[LastAlert], Field(description=f"The newest {SHOWN}")]
    alert_channels: Annotated[list[str], Field(description="Which are on")]
    changes_of_many: Annotated[list[ManyStatus], Field(description="The newest in the background")]
    last_hour: LastHour
    month: Month
    token: TokenStatus


async def _status(call: Call, _arguments: StatusArguments) -> Status:
    redis, team = call.redis, call.team
    active, paused, failing, late, all_queues = await asyncio.gather(
        crons.page(redis, team, CronQuery(filter=CronFilter.ACTIVE, per_page=1)),
        crons.page(redis, team, CronQuery(filter=CronFilter.PAUSED, per_page=1)),
        crons.page(redis, team, CronQuery(q="status:failing", per_page=SHOWN)),
        overdue.crons(redis, team),
        queues.page(redis, team, PageQuery(per_page=PER_PAGE)),
    )
    found = Status(
        is_well=True,
        advice=[],
        crons_active=active.total,
        crons_paused=paused.total,
        crons_failing=failing.total,
        failing_crons=[
            excerpts.narrow(
                FailingCron, cron, name=_short(cron.name), last_error=excerpts.error_of(cron, TEXT_BYTES)
            )
            for cron in failing.data
        ],
        crons_overdue=len(late),
        overdue_crons=[OverdueCron(id=cron, due_at=at) for cron, at in late[:SHOWN]],
        queues=[_queue(queue) for queue in all_queues.data if _is_odd(queue)],
        token=_token(call),
        **await _of_the_team(call),
    )
    advice = _advice(found)
    return found.model_copy(update={"is_well": not advice, "advice": advice})


async def _of_the_team(call: Call) -> dict[str, Any]:
    """The fields of a status that are not about crons and queues."""
    redis, team = call.redis, call.team
    open_ones, last, channels, figures, month = await asyncio.gather(
        problems.page(call, ProblemQuery(state=ProblemState.OPEN, per_page=SHOWN)),
        alerts.page(redis, team, AlertQuery(per_page=SHOWN)),
        notifications.get(redis, call.vault, team),
        stats.get(call, StatsQuery(by=StatsBy.MINUTE)),
        limits.usage(redis, team),
    )
    bulks = await background.page(redis, team, PageQuery(per_page=BULKS))
    return {
        "problems_open": open_ones.total,
        "problems": [
            excerpts.narrow(OpenProblem, one, path=_short(one.path), name=_short(one.name))
            for one in open_ones.data
        ],
        "alerts": [
            excerpts.narrow(LastAlert, one, message=_short(headers.unquoted(one.message)))
            for one in last.data
        ],
        "alert_channels": [name for name in Channel if (of := getattr(channels, name)) and of.enabled],
        "changes_of_many": [excerpts.narrow(ManyStatus, one) for one in bulks.data],
        "last_hour": excerpts.narrow(LastHour, figures.total),
        "month": excerpts.narrow(Month, month),
    }


def _advice(found: Status) -> list[str]:
    dead, paused = (
        sum(one.dead_lettered for one in found.queues),
        [q for q in found.queues if not q.is_active],
    )
    fail, late, problems_open = found.crons_failing, found.crons_overdue, found.problems_open
    said = {
        f"{_many(fail, 'cron fails', 'crons fail')}; list-executions with a cron_id tells why.": fail,
        f"{_many(late, 'cron is', 'crons are')} overdue: no scheduler makes their fires.": late,
        f"{_many(problems_open, 'problem is', 'problems are')} open.": problems_open,
        f"{_many(dead, 'job is a dead letter', 'jobs are dead letters')}; look with list-jobs, then "
        "replay-dead-letters.": dead,
        f"{_many(len(paused), 'queue is', 'queues are')} paused: {', '.join(map(_quoted, paused[:3]))}.": len(
            paused
        ),
        "No alert channel is on: nobody is told of a failure. Set one with set-alert-channel.": (
            not found.alert_channels and found.crons_active + len(found.queues)
        ),
    }
    return [sentence for sentence, is_so in said.items() if is_so]


def _many(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def _queue(queue: Queue) -> QueueStatus:
    return QueueStatus(
        name=_short(queue.name) or "",
        is_active=queue.is_active,
        pending=queue.counts.pending,
        dead_lettered=queue.counts.dead_lettered,
    )


def _quoted(queue: QueueStatus) -> str:
    """Its name where a sentence of ours goes on after it."""
    return to_json(queue.name).decode()


def _is_odd(queue: Queue) -> bool:
    return not queue.is_active or queue.counts.dead_lettered > 0


def _short(text: str | None) -> str | None:
    return text and excerpts.shortened(text, TEXT_BYTES)


def _token(call: Call) -> TokenStatus:
    given = call.limits.given.model_dump(mode="json") if call.limits else {}
    known = {name: value for name, value in given.items() if name in _LIMITS and value not in (None, True)}
    may = [scope for scope in ("read", "write", "admin") if call.caller.has(scope)]
    return TokenStatus(name=call.actor, may=may, limits=known, budgets=budgets.left(call.meter))


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "get-status",
        "Get status",
        "Is everything well? Failing and overdue crons, open problems, dead letters, paused queues, alerts, "
        f"the last hour, the month, and what this token may do. {OUTSIDE}",
        StatusArguments,
        Status,
        _status,
        scope="read",
        operations=("list-crons", "list-queues", "list-problems", "list-alerts", "list-bulks", "get-stats"),
    ),
)
