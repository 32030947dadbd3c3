"""When crons of the state machine are to fire, computed second by second, and what their records stand for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from shared.schedule.occurrences import MOST_COUNTED

PERIODS = {"* * * * * *": 1, "*/2 * * * * *": 2, "*/5 * * * * *": 5, "*/30 * * * * *": 30}
"""Expressions by the seconds between their fires, which are the multiples of that in any zone used here."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller wants of a cron; moments in whole seconds since 1970."""

    expression: str
    timezone: str = "UTC"
    is_active: bool = True
    spread: int = 0
    starts_at: int | None = None
    ends_at: int | None = None
    max_runs: int | None = None
    misfire_policy: str = "run_once"
    misfire_window_seconds: int = 3600
    overlap_policy: str = "allow"

    def nominals(self, after: float, until: float) -> list[int]:
        """The moments in (after, until] for which it is to fire, whatever its spread."""
        period = PERIODS[self.expression]
        found = range(int(after // period + 1) * period, int(until) + 1, period)
        return [
            at
            for at in found
            if (self.starts_at is None or at >= self.starts_at)
            and (self.ends_at is None or at <= self.ends_at)
        ]


@dataclass(frozen=True, slots=True)
class Record:
    """An execution: when it was due, the first that it stands for (s), how many more, and whether it ran."""

    at: int
    first: int
    missed: int
    has_run: bool


@dataclass(slots=True)
class Ledger:
    """A cron: what is wanted of it, and the moments (s) that were owed and made so far."""

    id: int
    phase: int
    wish: Wish
    since: float
    """Moments up to this one were owed by earlier wishes, or by none."""
    owed: list[int] = field(default_factory=list)
    made: list[int] = field(default_factory=list)
    records: int = 0
    runs: int = 0
    has_ended: bool = False
    """It has used up its runs: what comes is not owed."""

    def offset(self, wish: Wish | None = None) -> int:
        return self.phase % ((wish or self.wish).spread + 1)

    def due(self, now: float, offset: int | None = None) -> list[int]:
        """The moments of its wish that are due and were not owed before."""
        if not self.wish.is_active or self.has_ended:
            return []
        return self.wish.nominals(self.since, now - (self.offset() if offset is None else offset))

    def fell_due(self, now: float, offset: int | None = None) -> None:
        """What is due is owed from now on."""
        found = self.due(now, offset)
        self.owed += found
        self.since = max([self.since, *found])

    def note(self, records: Sequence[Record], offset: int) -> None:
        """Take records that were just made; each stands for owed moments that nothing stood for before."""
        self.records += len(records)
        for record in records:
            first, last = record.first - offset, record.at - offset
            stands_for = [at for at in self.owed if first <= at <= last]
            is_counted = (
                len(stands_for) == record.missed + 1 or len(stands_for) > record.missed == MOST_COUNTED
            )
            assert is_counted, f"{record} stands for {stands_for}"
            assert not set(stands_for) & set(self.made), f"{record} was made before"
            self.made += stands_for
            self.runs += record.has_run

    def all_was_made(self) -> None:
        """Every moment that was owed has one record, unless the runs were used up before it."""
        most = self.wish.max_runs
        if most is not None and self.runs >= most:
            assert sorted(self.made) == self.owed[: len(self.made)], "one was left out before the end"
            assert self.runs == most or self.owed == self.made, "more ran than may"
            self.owed, self.has_ended = sorted(self.made), True
        assert sorted(self.made) == self.owed, f"cron {self.id}: {sorted(set(self.owed) ^ set(self.made))}"

    def changed(self, wish: Wish, now: float) -> None:
        """It fires by another wish from now on, and makes no moment twice."""
        self.has_ended = wish.max_runs is not None and self.runs >= wish.max_runs
        self.since = max(self.since, now - self.offset(wish))
        self.wish = wish


def told(changes: Iterable[tuple[str, object]], wish: Wish) -> Wish:
    return replace(wish, **dict(changes))  # type: ignore[arg-type]
