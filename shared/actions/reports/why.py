"""Explain what happened to a cron at an instant or in a range, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic_core import from_json
from redis.asyncio import Redis

from shared import clock
from shared.actions import crons, executions
from shared.schedule import policy
from shared.schedule.policy import Plan
from shared.schemas.crons import Cron, Execution, ExecutionStatus, SkipReason
from shared.schemas.why import MOST_FIRES, Reason, Verdict, Why, WhyQuery
from shared.store import plans, transitions
from shared.store.keyspace import Team

_SECOND = timedelta(seconds=1)
_NEVER = datetime.max.replace(tzinfo=UTC)

SKIPPED = {
    SkipReason.OVERLAP: "The one before it still waited or ran, and overlap_policy leaves such a fire out.",
    SkipReason.MISSED: "Nobody made it in time, and the misfire_policy does not catch it up so late.",
    SkipReason.LIMIT: "The cron had used up its max_runs.",
    SkipReason.ENDED: "It could be made only after the cron's ends_at.",
    SkipReason.PAUSED: "The cron was paused while it waited for a ping.",
    SkipReason.MEMORY: "Redis had next to no memory left, and crons are skipped until it has more.",
}


@dataclass(frozen=True, slots=True)
class Period:
    """From when until when a cron fired by one plan; the plan is None while it was paused."""

    since: datetime
    until: datetime
    plan: Plan | None


@dataclass(frozen=True, slots=True)
class Case:
    """What is known about a cron around the instants in question."""

    cron: Cron
    periods: Sequence[Period]
    records: Sequence[Execution]
    now: datetime


async def why(redis: Redis, team: Team, cron_id: int, query: WhyQuery, now: datetime | None = None) -> Why:
    """What became of the fires in the queried span; raises NotFound for the cron."""
    cron, read_at = await crons.get_now(redis, team, cron_id)
    now = now or read_at
    since, until = query.span(now)
    found = await transitions.find_executions(
        redis,
        team,
        cron=cron_id,
        from_ms=clock.milliseconds(since),
        to_ms=clock.milliseconds(until),
        most=MOST_FIRES,
    )
    records = sorted((executions.excerpt(*row) for row in found.executions), key=lambda one: one.id)
    case = Case(cron, _periods(found.changes), records, now)
    reasons = sorted(_reasons(case, since, until), key=lambda reason: reason.at)
    if query.at and not reasons:
        reasons = [_no_fire(case, since)]
    return Why(cron_id=cron_id, reasons=reasons[:MOST_FIRES], is_whole=len(reasons) <= MOST_FIRES)


def _periods(log: Sequence[str]) -> list[Period]:
    starts: list[datetime] = []
    judged_by: list[Plan | None] = []
    for line in log:
        at, _, text = line.partition(" ")
        try:
            is_active, *when = from_json(text)
            plan = plans.plan_of(*when) if is_active else None
            starts.append(clock.moment(at))
        except (ValueError, TypeError, OverflowError):
            continue  # a line that cannot be read is no evidence
        judged_by.append(plan)
    ends = [*starts[1:], _NEVER]
    return [Period(*each) for each in zip(starts, ends, judged_by, strict=False)]


def _reasons(case: Case, since: datetime, until: datetime) -> Iterator[Reason]:
    shown: set[int] = set()
    for at in _fires(case, since, until):
        record = next(
            (one for one in case.records if (one.missed_since or one.scheduled_at) <= at <= one.scheduled_at),
            None,
        )
        if record:
            shown.add(record.id)
            yield _of_record(record, at)
        else:
            yield _without_record(case, at)
    for record in case.records:
        if record.id not in shown:  # run by hand, or by a schedule that is no longer in the log
            yield _of_record(record, record.scheduled_at)
    for period in case.periods:
        if period.plan is None and since < until and period.since <= until and period.until >= since:
            yield Reason(at=max(period.since, since), verdict=Verdict.PAUSED, why=_paused(period))


def _fires(case: Case, since: datetime, until: datetime) -> Iterator[datetime]:
    """The instants in the range at which the cron was to fire; one more than the answer has."""
    left = MOST_FIRES + 1
    for period in case.periods:
        fire = period.plan and _following(period.plan, max(period.since, since - _SECOND))
        while fire and fire <= min(period.until, until) and left and period.plan:
            yield fire
            left -= 1
            fire = _following(period.plan, fire)


def _following(plan: Plan, after: datetime) -> datetime | None:
    """As `timing.following`; None if this host cannot compute the plan."""
    try:
        return policy.following(plan, after)
    except policy.UNREADABLE:
        return None


def _of_record(record: Execution, at: datetime) -> Reason:
    verdict, said = Verdict(record.status), _said(record)
    if at < record.scheduled_at:
        many = f" with {record.missed} in all" if record.missed > 1 else ""
        if record.status != ExecutionStatus.SKIPPED:
            verdict = Verdict.COLLAPSED
            said = f"It was missed, and the fire of {_iso(record.scheduled_at)} stands for it{many}."
    return Reason(at=at, verdict=verdict, why=said, execution_id=record.id, lateness_ms=record.lateness_ms)


def _said(record: Execution) -> str:
    run, how = record.run, f"it was made {record.lateness_ms} ms after its time"
    if record.is_backfill:
        how = f"backfill {record.backfill_id} made it"
    if record.skip_reason:
        return SKIPPED[record.skip_reason]
    if record.status == ExecutionStatus.PENDING:
        waits = f" It waits for {record.waits_for.rstrip('.')}." if record.waits_for else ""
        return f"{how[0].upper()}{how[1:]}, and it has not started.{waits}"
    if record.status == ExecutionStatus.PROCESSING:
        return f"{how[0].upper()}{how[1:]}, and it is running."
    if record.status == ExecutionStatus.FAILED:
        return (run and run.error_message) or "It failed."
    took = f" in {run.duration_ms} ms" if run and run.duration_ms is not None else ""
    status = (
        f"The target answered with status {run.response_status}{took}"
        if run and run.response_status
        else "It ended well"
    )
    return f"{status}; {how}."


def _without_record(case: Case, at: datetime) -> Reason:
    cron, verdict = case.cron, Verdict.UNKNOWN
    said = "Its record is gone: finished history is kept for a time, or somebody deleted it."
    if at > case.now and not cron.has_ended:
        verdict, said = Verdict.DUE, "It is still to come."
    elif cron.has_ended and all(at > one.scheduled_at for one in case.records):
        verdict, said = Verdict.ENDED, f"The cron has ended, after {cron.runs} run{'s' * (cron.runs != 1)}."
    elif cron.next_run_at and cron.next_run_at <= at:
        verdict, said = (
            Verdict.OVERDUE,
            "Its time has come, and no scheduler has seen to it yet: is one running?",
        )
    return Reason(at=at, verdict=verdict, why=said)


def _no_fire(case: Case, at: datetime) -> Reason:
    if not case.periods or at < case.periods[0].since:
        since = case.periods[0].since if case.periods else case.cron.created_at
        said = (
            f"Nothing is known from before {_iso(since)}; the cron was made at {_iso(case.cron.created_at)}."
        )
        return Reason(at=at, verdict=Verdict.UNKNOWN, why=said)
    period = next(one for one in reversed(case.periods) if one.since <= at)
    if period.plan is None:
        return Reason(at=at, verdict=Verdict.PAUSED, why=_paused(period))
    following = _following(period.plan, at)
    if following is None and case.cron.problem:
        return Reason(at=at, verdict=Verdict.UNKNOWN, why=case.cron.problem)
    if following is None:
        return Reason(
            at=at, verdict=Verdict.ENDED, why="The cron had ended: it has no fire at or after that instant."
        )
    said = (
        f"{period.plan.expression} ({period.plan.timezone}) does not fire at that instant; "
        f"the next fire after it is at {_iso(following)}."
    )
    return Reason(at=at, verdict=Verdict.NO_FIRE, why=said)


def _paused(period: Period) -> str:
    until = "" if period.until == _NEVER else f" until {_iso(period.until)}"
    return f"It was paused from {_iso(period.since)}{until}; what would have fired is not caught up."


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
