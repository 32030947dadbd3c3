"""What may be searched for among executions of crons, and fires to come."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from redis.asyncio import Redis

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
_STEP = 250


@dataclass(frozen=True, slots=True)
class LookedExecution:
    """An execution with its cron, or a fire to come, as far as keys of a search read it."""

    id: int
    status: str
    cron: LookedCron
    scheduled_at: datetime
    late_seconds: float | None = None
    """None of what did not run."""
    skip_reason: str | None = None
    backfill: str | None = None
    idempotency_key: str | None = None
    run: LookedRun | None = None


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


_ANY_CRON = LookedCron(SeenCron("0", *[None] * 9))


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
            _looked(row, its, cron)
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
            found = await looks.crons(self.redis, self.team, chosen, self.wanted)
            self._crons |= dict.fromkeys(chosen) | {cron.id: cron for cron in found.rows}

    def finds_fire(self, cron_id: int, at: datetime) -> bool:
        """Whether it wants a fire to come, of a cron that it knows."""
        cron = self._crons[cron_id]
        return cron is not None and self.wanted.finds(LookedExecution(0, DUE, cron, at))


async def understood(redis: Redis, team: Team, text: str | None) -> Look:
    """Raises Invalid for what cannot be understood."""
    return Look(redis, team, await queries.understood(redis, team, text, KEYS, _texts))


def _texts(row: LookedExecution) -> Sequence[str]:
    return row.cron.name, row.cron.url


def _looked(row: ListedExecution, fields: records.Fields, cron: LookedCron) -> LookedExecution:
    reader = Reader()
    scheduled_at, created_at = reader.made(fields, "due"), reader.made(fields, "created")
    ran = fields["state"] != ExecutionStatus.SKIPPED and "backfill" not in fields
    return LookedExecution(
        int(row.id),
        fields["state"],
        cron,
        scheduled_at,
        late_seconds=max(0.0, (created_at - scheduled_at).total_seconds()) if ran else None,
        skip_reason=fields.get("skip_reason"),
        backfill=fields.get("backfill"),
        idempotency_key=fields.get("intent"),
        run=looks.run_of(row.run),
    )
