"""The report of a row: what was injected and when, its figures, and how it ended."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Figure = int | float | str


class Skipped(Exception):
    """The row cannot run on this machine; the text says why."""


@dataclass(slots=True)
class Fault:
    """One fault, in seconds from the start of its row; `repeats`: it may cause extra deliveries."""

    what: str
    at: float
    until: float
    repeats: bool
    explained: int = 0
    """Extra deliveries caused by this fault."""


@dataclass(slots=True)
class Story:
    """The story of one row, while it runs."""

    name: str
    faults: list[Fault] = field(default_factory=list)
    figures: dict[str, Figure] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    @property
    def now(self) -> float:
        """Seconds since the row began."""
        return time.monotonic() - self.began

    def note(self, what: str, *, repeats: bool = False) -> Fault:
        """Record a fault that happens now."""
        fault = Fault(what, self.now, self.now, repeats)
        self.faults.append(fault)
        return fault

    @contextmanager
    def during(self, what: str, *, repeats: bool = False) -> Iterator[None]:
        """Record a fault that lasts as long as the block."""
        fault = self.note(what, repeats=repeats)
        fault.until = float("inf")
        try:
            yield
        finally:
            fault.until = self.now


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one row ended: `passed`, `failed` or `skipped`, and why."""

    name: str
    result: str
    why: str
    seconds: float
    faults: list[Fault]
    figures: dict[str, Figure]

    def __str__(self) -> str:
        figures = ", ".join(f"{name} {value}" for name, value in self.figures.items())
        return f"{self.result:7} {self.name:40} {self.seconds:6.1f} s  {self.why or figures}"
