"""What may be searched for among executions of crons, and fires to come."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from redis.asyncio import Redis

from shared import clock
from shared.actions.searches import looks, queries
from shared.actions.searches.looks import LookedCron, LookedRun, host_of
from shared.basics import search
from shared.basics.hints import Hints
from shared.basics.search import Key, Search
from shared.schemas.base import Method
from shared.schemas.crons import ExecutionStatus, SkipReason
from shared.schemas.runs import FailureReason
from shared.store import records, stored, transitions
from shared.store.keyspace import Team
from shared.store.lenient import Reader
from shared.store.transitions import ListedExecution, SeenCron

RUN, DUE, LATE = search.RUN, "due", "late"
CRON = "cron"
"""What a key needs that is read of the cron."""
LATE_SECONDS = 1.0
"""Later than that after its moment an execution is late."""
_STEP = 125


class LookedExecution:
    """An execution with its cron, or a fire to come, as far as keys of a search read it."""

    def __init__(self, row: ListedExecution, fields: records.Fields, cron: LookedCron) -> None:
        self.id, self.status, self.cron = int(row.id), fields["state"], cron
        self.skip_reason, self.backfill = fields.get("skip_reason"), fields.get("backfill")
        self.idempotency_key = fields.get("intent")
        self._fields, self._run = fields, row.run

    @cached_property
    def scheduled_at(self) -> datetime:
        return Reader().made(self._fields, "due")

    @property
    def late_seconds(self) -> float | None:
        """None of what did not run."""
        if self.status in (ExecutionStatus.SKIPPED, DUE) or self.backfill is not None:
            return None
        late = Reader().made(self._fields, "created") - self.scheduled_at
        return max(0.0, late.total_seconds())

    @cached_property
    def run(self) -> LookedRun | None:
        return looks.run_of(self._run)


def _statuses(row: LookedExecution) -> list[str]:
    is_late = row.late_seconds is not None and row.late_seconds > LATE_SECONDS
    return [row.status, LATE] if is_late else [row.status]


def _ran(name: str) -> Key[LookedExecution]:
    key: Key[LookedExecution] = search.number(
        lambda row: getattr(row.run, name, None), needs=RUN, is_written=True
    )
    return looks.of_run(key, name)


KEYS: dict[str, Key[LookedExecution]] = {
    "status": search.several(_statuses, choices=[*(one.value for one in ExecutionStatus), LATE, DUE]),
    "cron": search.several(lambda row: (row.cron.name, str(row.cron.id)), needs=CRON),
    "host": search.word(lambda row: host_of(row.cron.url), needs=CRON, is_written=True),
    "method": search.word(
        lambda row: row.cron.method, needs=CRON, choices=[one.value.lower() for one in Method]
    ),
    "reason": search.word(
        lambda row: getattr(row.run, "failure_reason", None),
        needs=RUN,
        choices=[one.value for one in FailureReason],
        is_written=True,
    ),
    "code": _ran("response_status"),
    "took": looks.of_run(
        search.seconds(
            lambda row: row.run.duration_ms / 1000 if row.run and row.run.duration_ms is not None else None,
            needs=RUN,
        ),
        "duration_ms",
        1000,
    ),
    "late": search.seconds(lambda row: row.late_seconds),
    "skip": search.word(lambda row: row.skip_reason, choices=[one.value for one in SkipReason]),
    "backfill": search.word(lambda row: row.backfill),
    "label": replace(search.labels(lambda row: row.cron.labels), needs=CRON),
    "key": search.word(lambda row: row.idempotency_key),
    "since": search.since(lambda row: row.scheduled_at),
    "until": search.until(lambda row: row.scheduled_at),
}


_TO_COME = ListedExecution("0", (), "")
_ANY_CRON = LookedCron(SeenCron("0"))


@dataclass(slots=True)
class Look:
    """A search among executions: what it wants, and the crons of those that it has looked at."""

    redis: Redis
    team: Team
    wanted: Search[LookedExecution]
    _crons: dict[int, LookedCron | None] = field(default_factory=dict)

    @property
    def is_for_something(self) -> bool:
        return bool(self.wanted.terms)

    @property
    def most_bytes(self) -> int | None:
        """How much of runs it reads; None: nothing."""
        return stored.LOOK_BYTES if self.wanted.needs(RUN) else None

    @property
    def hints(self) -> Hints:
        """What the run of each has that it finds."""
        return self.wanted.hints()

    @property
    def _needs_crons(self) -> bool:
        return self.wanted.needs(CRON) or any(not term.key for term in self.wanted.terms)

    async def read(self, ids: Sequence[int]) -> list[LookedExecution]:
        """Those that may be what it wants: not so what is of a cron that cannot be."""
        return await self.at(
            await transitions.look_at_executions(
                self.redis, self.team, ids, most_bytes=self.most_bytes, hints=self.hints
            )
        )

    async def at(self, rows: Sequence[ListedExecution]) -> list[LookedExecution]:
        """The same of rows that were read for it."""
        fields = [records.fields_of(row.fields) for row in rows]
        await self.know(int(one["cron"]) for one in fields)
        return [
            LookedExecution(row, its, cron)
            for row, its in zip(rows, fields, strict=True)
            if (cron := self._crons[int(its["cron"])])
        ]

    async def know(self, crons: Iterable[int]) -> None:
        new = [one for one in dict.fromkeys(crons) if one not in self._crons]
        if not self._needs_crons:  # any is as good as another
            self._crons |= dict.fromkeys(new, _ANY_CRON)
            return
        for start in range(0, len(new), _STEP):
            chosen = new[start : start + _STEP]
            found = await looks.crons(self.redis, self.team, chosen, self.wanted, is_brief=True)
            self._crons |= dict.fromkeys(chosen) | {cron.id: cron for cron in found.rows}

    def finds_fire(self, cron_id: int, at: datetime) -> bool:
        """Whether it wants a fire to come, of a cron that it knows."""
        cron = self._crons[cron_id]
        if cron is None:
            return False
        fields = {"state": DUE, "due": str(clock.milliseconds(at))}
        return self.wanted.finds(LookedExecution(_TO_COME, fields, cron))


async def understood(redis: Redis, team: Team, text: str | None) -> Look:
    """Raises Invalid for what cannot be understood."""
    return Look(redis, team, await queries.understood(redis, team, text, KEYS, _texts))


def _texts(row: LookedExecution) -> Sequence[str]:
    return row.cron.name, row.cron.url
