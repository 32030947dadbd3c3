"""What needs somebody, worst first: what, since when, by which evidence, and what can be done."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from services.api.pages import words
from services.api.pages.crons import saying
from services.api.pages.overview import grounds
from services.api.pages.overview.facts import Facts, most_dead
from services.api.pages.work import around, holding
from services.api.pages.work import words as work_words
from shared.schemas.alerts import Alert, Alertable, AlertNotice
from shared.schemas.base import SEARCHED
from shared.schemas.crons import Cron, CronMode
from shared.schemas.notices import NoticeStatus
from shared.schemas.notifications import CHANNELS, Channel
from shared.schemas.reports.problems import Problem
from shared.schemas.runs import FailureReason

SHOWN = 7
LONG_WAIT_MS = 300_000
"""Of the p95 of waits: no queue has a target of its own."""
LATE_MS = 10_000
NEARLY = 0.8


class Act(NamedTuple):
    words: str
    href: str
    is_done: bool = False
    """Whether it is done by a press, and does not only lead somewhere."""


class Need(NamedTuple):
    """`tone` is bad for what fails, warn for what soon may."""

    tone: str
    title: str
    href: str
    said: str
    acts: Sequence[Act] = ()

    @property
    def icon(self) -> str:
        return f"s-{self.tone}"


def found(facts: Facts, *, may_write: bool) -> list[Need]:
    waiting = sum(queue.counts.pending for queue in facts.queues.data)
    ground = grounds.faults(facts.installation, facts.active, waiting)
    return [
        *(Need("bad", one.title, "/system", one.said) for one in ground),
        *_crons(facts, may_write=may_write),
        *_dead_letters(facts),
        *_queues(facts),
        *_channels(facts),
        *_hosts(facts),
        *_limits(facts),
        *_tokens(facts),
        *_late(facts),
    ]


def failing(facts: Facts) -> list[Cron]:
    """Crons that fail and that nobody asked to be quiet about."""
    return in_order(facts.crons.values())


def in_order(crons: Iterable[Cron]) -> list[Cron]:
    """Those of them that need somebody: what fails longest first, those without a ping last."""
    trouble = [one for one in crons if _needs_somebody(one)]
    return sorted(trouble, key=lambda one: (one.mode is CronMode.HEARTBEAT, -one.consecutive_failures))


def _needs_somebody(cron: Cron) -> bool:
    return bool(cron.paused_reason) if not cron.is_active else cron.consecutive_failures > 0


def _crons(facts: Facts, *, may_write: bool) -> Iterator[Need]:
    newest = {one.cron_id: one for one in reversed(facts.problems.data) if one.cron_id}
    for cron in failing(facts):
        at = f"{facts.base}/crons/{cron.id}"
        acts = [Act("Look", at)]
        if may_write and cron.is_active and cron.mode is CronMode.REQUEST:
            acts.insert(0, Act("Run now", f"{at}/run", is_done=True))
        problem = newest[cron.id]
        yield Need("bad", _title(cron, problem), at, _evidence(facts, cron, problem), acts)


def _title(cron: Cron, problem: Problem) -> str:
    if not cron.is_active:
        return f"{cron.name} was paused by Recuro"
    times = cron.consecutive_failures
    if problem.failure_reason is FailureReason.NO_PING:
        return f"{cron.name} has not pinged" if times == 1 else f"{cron.name} has not pinged {times} times"
    return f"{cron.name} has failed" if times == 1 else f"{cron.name} has failed {times} times in a row"


def _evidence(facts: Facts, cron: Cron, problem: Problem) -> str:
    last = _at(facts, problem.last_seen_at)
    if problem.failure_reason is FailureReason.NO_PING:
        grace = saying.span(timedelta(seconds=cron.grace_seconds))
        came = (
            f"The last ping came {_at(facts, cron.last_ping_at)}."
            if cron.last_ping_at
            else "No ping ever came."
        )
        said = [f"No ping came by {last}, with a grace of {grace}.", came]
    else:
        first = _at(facts, problem.first_seen_at)
        before = f" and first {first}" if first != last else ""
        said = [f"{_cause(problem)}, last {last}{before}."]
    if not cron.is_active and cron.paused_reason:
        said.append(cron.paused_reason)
    return " ".join([*said, told(facts, cron.id)]).strip()


def _cause(problem: Problem) -> str:
    if problem.response_status:
        return f"{problem.host or 'The target'} answered {problem.response_status}"
    where = f" at {problem.host}" if problem.host else ""
    reason = work_words.reason(problem.failure_reason)
    return f"{_begun(reason)}{where}"


def _begun(text: str) -> str:
    """As a sentence begins."""
    return f"{text[:1].upper()}{text[1:]}"


def told(facts: Facts, cron_id: int) -> str:
    """Who was told of it by the newest alerts."""
    for alert in facts.alerts:
        if alert.alertable_type is Alertable.CRON and alert.alertable_id == cron_id and alert.deliveries:
            reached = [one for one in alert.deliveries if one.status == NoticeStatus.DELIVERED]
            if reached and alert.notified_at:
                names = _begun(_listed([CHANNELS[one.channel].place for one in reached]))
                return (
                    f"{names} {'was' if len(reached) == 1 else 'were'} told {_at(facts, alert.notified_at)}."
                )
            return "Nobody was reached yet."
    return ""


def _dead_letters(facts: Facts) -> Iterator[Need]:
    largest, at = most_dead(facts.problems.data), f"{facts.base}/dead-letters"
    total = sum(queue.counts.dead_lettered for queue in facts.queues.data)
    if largest is None:
        return
    many = work_words.plural(total, "dead letter")
    title = (
        f"{many}, and {largest.dead_letters:,} of them are one problem"
        if largest.dead_letters < total
        else many
    )
    first, last = (_at(facts, one) for one in (largest.first_seen_at, largest.last_seen_at))
    between = f"from {first} to {last}" if first != last else f"at {last}"
    said = f"{_cause(largest)} {between}.{_answers(facts)}"
    yield Need("warn", title, at, said, [Act("Plan a replay", f"{at}/{largest.id}")])


def _answers(facts: Facts) -> str:
    since = facts.dead_host and facts.dead_host.answering_since
    return f" It answers again since {_at(facts, since)}, so they can be replayed." if since else ""


def _queues(facts: Facts) -> Iterator[Need]:
    for queue in facts.busiest:
        waits = facts.recent[queue.id].total.wait_ms.p95
        if queue.is_active and queue.counts.pending and waits is not None and waits > LONG_WAIT_MS:
            title = f"Jobs of {queue.name} wait {saying.took(waits)} before they start"
            said = f"That is the p95 of the last 20 minutes. {holding.sentence(queue)}"
            at = f"{facts.base}/queues/{queue.id}"
            yield Need("warn", title, at, said, [Act("Look", at)])


def _channels(facts: Facts) -> Iterator[Need]:
    for channel, (alert, last) in latest_deliveries(facts.alerts).items():
        known = getattr(facts.channels, channel)
        if last.status in (NoticeStatus.FAILED, NoticeStatus.RETRYING) and known and known.enabled:
            title = f"{_begun(CHANNELS[channel].place)} cannot be reached"
            when, error = _at(facts, alert.created_at), last.error or "it failed"
            said = f"Nobody was told by it of alert {alert.id} at {when}: {error}"
            at = f"{facts.base}/alerts/{alert.id}"
            yield Need("bad", title, at, f"{said.rstrip('.')}.", [Act("Look", at)])


def latest_deliveries(alerts: Sequence[Alert]) -> dict[Channel, tuple[Alert, AlertNotice]]:
    """How each channel last did, of those whose outcome is known; newest alerts first."""
    last = dict[Channel, tuple[Alert, AlertNotice]]()
    for alert in alerts:
        for one in alert.deliveries:
            if one.status is not NoticeStatus.PENDING:
                last.setdefault(one.channel, (alert, one))
    return last


def _hosts(facts: Facts) -> Iterator[Need]:
    resting, many = facts.hosts.data, facts.hosts.total
    if not resting:
        return
    at = around.link(f"{facts.base}/jobs", {SEARCHED: f"host:{resting[0].host.partition(':')[0]}"})
    if many == 1:
        title = f"{resting[0].host} is left alone until {_at(facts, resting[0].resting_until)}"
    else:
        title = f"{words.number(many)} hosts are left alone"
    names = _listed([one.host for one in resting[:3]])
    said = f"What is for {names if many < 4 else f'{names} and others'} waits, and uses no attempt."
    yield Need("warn", title, at, said, [Act("Jobs", at)])


def _limits(facts: Facts) -> Iterator[Need]:
    most, used = facts.usage.monthly_request_limit, facts.usage.requests
    if most and used > NEARLY * most:
        title = f"{used / most:.0%} of this month's requests are used"
        again = _at(facts, facts.usage.resets_at)
        said = f"{used:,} of {most:,}; nothing is sent beyond. They begin anew {again}."
        yield Need("bad" if used >= most else "warn", title, "/system", said)


def _tokens(facts: Facts) -> Iterator[Need]:
    for token in facts.tokens:
        if ends := token.expires_at:
            at = f"{facts.base}/settings/api/{token.id}"
            title = f"The token {token.name} expires {saying.ahead(ends, facts.now)}"
            used = (
                f"It was used last {_at(facts, token.last_used_at)}."
                if token.last_used_at
                else "It was not used yet."
            )
            yield Need("warn", title, at, used, [Act("Look", at)])


def _late(facts: Facts) -> Iterator[Need]:
    late = facts.hour.total.lateness_ms
    if facts.late:
        many = words.count(len(facts.late), "cron")
        title = f"{many} {'was' if len(facts.late) == 1 else 'were'} not fired"
        cron, at = facts.late[-1]
        said = f"No scheduler made the fire of cron {cron} that was due {_at(facts, at)}."
        yield Need("bad", title, f"{facts.base}/crons?sort=next_run", said)
    elif late.p95 is not None and late.p95 > LATE_MS:
        title = f"Fires are made {saying.late(round(late.p95))} late"
        said = (
            f"That is the p95 of {late.count:,} fires of the last hour: too few schedulers, or a slow Redis."
        )
        yield Need("warn", title, "/system", said)


def _at(facts: Facts, at: datetime | None) -> str:
    """02:30, Fri 02:30."""
    return saying.wall(at, facts.now, facts.zone) if at else ""


def _listed(names: Sequence[str]) -> str:
    """Slack, Slack and E-mail, a, b and c."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
