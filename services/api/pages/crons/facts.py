"""What the page of a cron says of it: its trouble, its figures, its settings."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from services.api.pages import words, zones
from services.api.pages.crons import marks, saying
from shared.actions import explain
from shared.actions.explain import offset_text
from shared.actions.searches.looks import host_of
from shared.schedule.policy import MisfirePolicy
from shared.schemas.assertions import Assertions
from shared.schemas.crons import Cron, CronMode, Execution, ExecutionStatus
from shared.schemas.reports.coming import ComingFire
from shared.schemas.timing import OverlapPolicy

MOST_BODY_CHARACTERS = 600
MOST_QUOTED = 160
_AT = re.compile(r"At (\d\d:\d\d(?::\d\d)?)")
_PAST = re.compile(r"At (\d+) minutes past the hour")


class Figure(NamedTuple):
    name: str
    value: str
    below: str
    tone: str = ""


class Fact(NamedTuple):
    name: str
    value: str
    is_code: bool = False
    more: Sequence[tuple[str, str]] = ()
    """Names and values, one a line."""


class Trouble(NamedTuple):
    title: str
    sentences: Sequence[str]
    quoted: str = ""
    tone: str = "bad"
    icon: str = "s-bad"


def words_of(cron: Cron) -> str:
    """Its schedule in words, without its zone; the expression if this host cannot read it."""
    return plain(explain.described(cron) or cron.cron_expression)


def plain(description: str) -> str:
    """Every day at 02:30, where the whole of it is a time."""
    words = description.split(", by the clock of ")[0]
    if found := _AT.fullmatch(words):
        return f"Every day at {found[1]}"
    if found := _PAST.fullmatch(words):
        return f"Every hour, at minute {found[1]}"
    return words


def trouble(cron: Cron, last: Sequence[Execution], zone: str) -> Trouble | None:
    """What needs somebody, with the evidence."""
    if cron.problem:
        return Trouble("A part of its record cannot be used.", [cron.problem], tone="warn", icon="s-warn")
    if not cron.is_active and cron.paused_reason:
        return Trouble("Recuro paused it.", [cron.paused_reason], tone="warn", icon="s-warn")
    if not cron.consecutive_failures or not cron.is_active:
        return None
    fires = cron.consecutive_failures
    many = f"{words.number(fires)} fires in a row failed." if fires > 1 else "The last fire failed."
    sentences = []
    worked = next((one for one in last if one.status is ExecutionStatus.COMPLETED), None)
    if worked:
        sentences.append(f"It worked last on {saying.dated(worked.scheduled_at, zone)}.")
    if cron.is_alerted:
        sentences.append("An alert says so, one for all of them.")
    elif not cron.alert_threshold:
        sentences.append("Nobody is told: it has no alert.")
    body = next((one.run.response_body for one in last if one.run and one.run.response_body), None)
    failed = last[0].status is ExecutionStatus.FAILED if last else False
    quoted = " ".join((body or "").split())[:MOST_QUOTED] if failed and last[0].run else ""
    return Trouble(f"{many} {_cause(cron, last)}", sentences, quoted)


def _cause(cron: Cron, last: Sequence[Execution]) -> str:
    if cron.mode is CronMode.HEARTBEAT:
        return "No ping came in time."
    run = next((one.run for one in last if one.status is ExecutionStatus.FAILED and one.run), None)
    if run and run.response_status:
        return f"{host_of(cron.url)} answered {run.response_status}."
    return cron.last_error or ""


def figures(cron: Cron, last: Sequence[Execution], now: datetime, zone: str) -> list[Figure]:
    recent, took = cron.recent_executions, marks.durations(cron)
    done = sum(one.status is ExecutionStatus.COMPLETED for one in recent)
    failed = sum(one.status is ExecutionStatus.FAILED for one in recent)
    skipped = len(recent) - done - failed
    low, high = marks.percentile(took, 0.5), marks.percentile(took, 0.95)
    below = ", ".join(
        f"{count} {word}" for count, word in ((failed, "failed"), (skipped, "skipped")) if count
    )
    found = [_next(cron, now, zone)]
    if last:
        found.append(_last(last[0], now, zone))
    if recent:
        found.append(Figure("Success, last 30", f"{done} of {len(recent)}", below or "none failed"))
    if low is not None and high is not None:
        found.append(
            Figure("Took, p50 / p95", f"{saying.took(low)} / {saying.took(high)}", f"of {len(took)} runs")
        )
    made = [one for one in last if not one.is_backfill and one.status is not ExecutionStatus.SKIPPED]
    if made:
        worst = max(made, key=lambda one: one.lateness_ms)
        found.append(
            Figure("Late, worst", saying.late(worst.lateness_ms), saying.dated(worst.scheduled_at, zone))
        )
    return found


def _next(cron: Cron, now: datetime, zone: str) -> Figure:
    if not cron.is_active:
        return Figure("Next fire", "paused", "it fires again once it is resumed")
    if cron.next_run_at is None:
        return Figure("Next fire", "none", "it has ended" if cron.has_ended else "not known")
    here = f"{saying.dated(cron.next_run_at, zone)} {zones.city(zone)}"
    other = cron.timezone if cron.timezone != zone and not cron.problem else "UTC"
    there = zones.local(cron.next_run_at, other)
    more = f" · {there:%H:%M} {zones.city(other)}" if other != zone else ""
    return Figure("Next fire", saying.ahead(cron.next_run_at, now), here + more)


def _last(one: Execution, now: datetime, zone: str) -> Figure:
    state, run = saying.outcome(one), one.run
    status = str(run.response_status) if run and run.response_status else state.words.partition(":")[0]
    after = f", after {saying.took(run.duration_ms)}" if run and run.duration_ms is not None else ""
    return Figure("Last fire", status, f"{saying.wall(one.scheduled_at, now, zone)}{after}", state.tone)


def schedule(cron: Cron, ahead: Sequence[ComingFire], now: datetime, zone: str) -> list[Fact]:
    then = ", ".join(saying.dated(fire.scheduled_at, zone) for fire in ahead[:3])
    change = next((fire.clock_change for fire in ahead if fire.clock_change), None)
    return [
        Fact("Says", words_of(cron)),
        Fact("Expression", cron.cron_expression, is_code=True),
        Fact("Zone", _zone(cron, now)),
        *([Fact("Then", then)] if then else []),
        *(
            [Fact("Clock change", f"{saying.dated(change.at, cron.timezone)}: {change.effect}")]
            if change
            else []
        ),
        Fact("Late fires", _misfires(cron)),
        *(
            [Fact("Grace", saying.span(timedelta(seconds=cron.grace_seconds)))]
            if cron.mode == "heartbeat"
            else []
        ),
        Fact("Overlap", OVERLAPS[cron.overlap_policy]),
        Fact("Spread", f"up to {cron.spread_seconds} s later" if cron.spread_seconds else "none"),
        *([Fact("From", saying.dated(cron.starts_at, zone))] if cron.starts_at else []),
        *([Fact("Until", saying.dated(cron.ends_at, zone))] if cron.ends_at else []),
        *([Fact("Runs", f"{cron.runs:,} of {cron.max_runs:,}")] if cron.max_runs else []),
    ]


OVERLAPS = {
    OverlapPolicy.ALLOW: "another starts while one still runs",
    OverlapPolicy.SKIP: "skip while one still runs",
    OverlapPolicy.QUEUE_ONE: "one waits while one still runs",
}


def _zone(cron: Cron, now: datetime) -> str:
    try:
        offset = zones.local(now, cron.timezone).utcoffset()
    except KeyError:
        return f"{cron.timezone}, which is not known here"
    return f"{cron.timezone}, now UTC{offset_text(offset)}" if offset else cron.timezone


def _misfires(cron: Cron) -> str:
    words = {
        MisfirePolicy.RUN_ONCE: "the last one runs",
        MisfirePolicy.RUN_ALL: "all of them run",
        MisfirePolicy.SKIP: "skipped",
    }[cron.misfire_policy]
    window = saying.span(timedelta(seconds=cron.misfire_window_seconds))
    than = "more" if cron.misfire_policy is MisfirePolicy.SKIP else "less"
    return f"{words}, if {than} than {window} late"


def request(cron: Cron) -> list[Fact]:
    if cron.mode is CronMode.HEARTBEAT:
        return []
    body = cron.payload or ""
    cut = f"{body[:MOST_BODY_CHARACTERS]}…" if len(body) > MOST_BODY_CHARACTERS else body
    return [
        Fact("Calls", f"{cron.method} {cron.url}"),
        Fact("Headers", "" if cron.headers else "none", more=list(_headers(cron.headers))),
        Fact("Body", cut or "none", is_code=bool(cut)),
        Fact("Timeout", f"{cron.timeout_seconds} s"),
        Fact("Callback", cron.callback_url or "none"),
    ]


def _headers(headers: Mapping[str, str] | None) -> list[tuple[str, str]]:
    return list((headers or {}).items())


def checks(cron: Cron) -> list[Fact]:
    """What counts as a success, and who hears of a failure."""
    also = list(_assertions(cron.success_assertions))
    alert = f"{cron.alert_threshold} in a row" if (cron.alert_threshold or 0) > 1 else "the first"
    pause = f"{cron.pause_after_failures} failures in a row" if cron.pause_after_failures else "never"
    return [
        *([Fact("Success is", "2xx", more=also)] if cron.mode is CronMode.REQUEST else []),
        Fact("Alert after", f"{alert} failed" if cron.alert_threshold else "none"),
        Fact("Paused after", pause),
        *([Fact("Labels", "", more=list(cron.labels.items()))] if cron.labels else []),
    ]


def _assertions(given: Assertions) -> list[tuple[str, str]]:
    found = []
    for one in given:
        place = getattr(one, "path", None) or getattr(one, "name", "")
        found.append((f"{one.type.replace('_', ' ')} {place}".strip(), one.value))
    return found
