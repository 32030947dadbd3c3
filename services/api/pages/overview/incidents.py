"""Alerts as incidents: what began to fail, what followed, and how it ended, as one thing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.api.pages.crons.saying import State
from shared.schemas.alerts import Alert, Alertable, AlertNotice, AlertType
from shared.schemas.notices import NoticeStatus
from shared.schemas.notifications import CHANNELS, Channel
from shared.schemas.reports.problems import Problem, ProblemState

APART = timedelta(days=1)
"""Failures of a queue that are so far from each other are two incidents."""
OPEN = State("s-bad", "bad", "Open")
QUIET = State("s-idle", "idle", "Quiet")
RECOVERED = State("s-ok", "ok", "Recovered")
OVER = State("s-ok", "ok", "Over")
NOTED = State("s-warn", "warn", "Noted")
_DELIVERIES = {
    NoticeStatus.PENDING: State("s-wait", "wait", "on its way"),
    NoticeStatus.DELIVERED: State("s-ok", "ok", "delivered"),
    NoticeStatus.RETRYING: State("s-warn", "warn", "tried again"),
    NoticeStatus.FAILED: State("s-bad", "bad", "not delivered"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """How one channel did."""

    channel: Channel
    status: NoticeStatus
    error: str

    @property
    def name(self) -> str:
        return CHANNELS[self.channel].name

    @property
    def state(self) -> State:
        return _DELIVERIES[self.status]

    @property
    def has_failed(self) -> bool:
        return self.status == NoticeStatus.FAILED


@dataclass(frozen=True, slots=True)
class Incident:
    alerts: Sequence[Alert]
    """Newest first."""
    problem: Problem | None = None
    """The one of its newest alert."""
    is_last: bool = True
    """Whether no alert of the same cron came after it, or of the same problem of its queue."""
    failures: int = 0
    """Of a cron that still fails, as many in a row as it has by now."""

    @property
    def newest(self) -> Alert:
        return self.alerts[0]

    @property
    def worst(self) -> Alert:
        """The one that says what is the matter: the newest that is no recovery."""
        return next((one for one in self.alerts if one.type is not AlertType.RECOVERY), self.newest)

    @property
    def began_at(self) -> datetime:
        return min(one.since for one in self.alerts)

    @property
    def recovered_at(self) -> datetime | None:
        if self.newest.type is AlertType.RECOVERY:
            return self.newest.created_at
        is_known = self.problem is not None and self.is_last and self.problem.state is ProblemState.RESOLVED
        return self.problem.recovered_at if self.problem and is_known else None

    @property
    def last_at(self) -> datetime:
        if self.problem and self.is_open:
            return max(self.problem.last_seen_at, self.worst.created_at)
        return self.worst.created_at

    @property
    def is_open(self) -> bool:
        return self.state in (OPEN, QUIET)

    @property
    def state(self) -> State:
        if self.newest.alertable_type is Alertable.TEAM:
            return NOTED
        if self.recovered_at:
            return RECOVERED
        if self.problem is None or not self.is_last or self.problem.state is ProblemState.RESOLVED:
            return OVER
        return QUIET if self.problem.state is ProblemState.IGNORED else OPEN

    @property
    def count(self) -> int:
        """Failures that it stands for."""
        if self.newest.alertable_type is Alertable.CRON:
            return max(self.failures, *(one.data.consecutive_failures for one in self.alerts))
        return sum(one.count + one.uncounted for one in self.alerts if one.type is not AlertType.RECOVERY)

    @property
    def told(self) -> list[Told]:
        """How each channel did at last."""
        last = dict[Channel, AlertNotice]()
        for alert in self.alerts:
            for one in alert.deliveries:
                last.setdefault(one.channel, one)
        return deliveries(list(last.values()))


def deliveries(notices: Sequence[AlertNotice]) -> list[Told]:
    return [Told(one.channel, one.status, one.error or "") for one in notices]


def grouped(alerts: Sequence[Alert], problems: Mapping[int, Problem]) -> list[Incident]:
    """Incidents of alerts that come newest first, in the same order."""
    return [
        Incident(rows, problems.get(rows[0].data.problem_id or 0), is_last)
        for rows, is_last in _rows_of(alerts)
    ]


def _rows_of(alerts: Sequence[Alert]) -> Iterator[tuple[list[Alert], bool]]:
    groups = dict[object, list[Alert]]()
    for alert in alerts:
        key = _key(alert)
        rows = groups.setdefault(key, [])
        if rows and not _belongs(alert, rows[-1]):
            groups[object()] = groups.pop(key)  # that one is whole; an earlier one begins
            rows = groups.setdefault(key, [])
        rows.append(alert)
    found = sorted(groups.values(), key=lambda rows: -rows[0].id)
    seen = set[object]()
    for rows in found:
        of = _what_fails(rows[0])
        yield rows, of not in seen
        seen.add(of)


def are_alike(one: Alert, other: Alert) -> bool:
    """Whether the later of them may be of the incident of the other, or of one that came after it."""
    return _what_fails(one) == _what_fails(other)


def _key(alert: Alert) -> object:
    is_of_cron = alert.alertable_type is Alertable.CRON
    return (*_what_fails(alert), alert.since) if is_of_cron else _what_fails(alert)


def _what_fails(alert: Alert) -> tuple[object, ...]:
    """A cron fails in one way at a time, a queue in several."""
    match alert.alertable_type:
        case Alertable.CRON:
            return ("cron", alert.alertable_id)
        case Alertable.QUEUE:
            return ("queue", alert.alertable_id, alert.data.problem_id or alert.data.failure_reason)
    return (alert.id,)


def _belongs(alert: Alert, later: Alert) -> bool:
    """Whether an alert of a queue is one incident with the next later one."""
    if alert.alertable_type is Alertable.CRON:
        return True
    return alert.type is not AlertType.RECOVERY and later.since - alert.created_at < APART
