"""Strips: what became of the last executions of a cron, as its record has it."""

import re
from collections.abc import Mapping

from shared.schemas.crons import ExecutionStatus, RecentExecution, SkipReason

_ENTRY = re.compile(r"([0-9a-f]{11})([DdFfomlptys])([0-9a-f-]{7})")
"""An execution's id, what became of it, and how long it took."""
_STRIP = re.compile(rf"(?:{_ENTRY.pattern}){{0,30}}")
_SKIPS = {
    "o": SkipReason.OVERLAP,
    "m": SkipReason.MISSED,
    "l": SkipReason.LIMIT,
    "p": SkipReason.PAUSED,
    "t": SkipReason.ENDED,
    "y": SkipReason.MEMORY,
    "s": None,
}
_OUTCOMES: Mapping[str, tuple[ExecutionStatus, bool, SkipReason | None]] = {
    **{
        letter: (status, letter.isupper(), None)
        for status, letters in ((ExecutionStatus.COMPLETED, "dD"), (ExecutionStatus.FAILED, "fF"))
        for letter in letters
    },
    **{letter: (ExecutionStatus.SKIPPED, False, reason) for letter, reason in _SKIPS.items()},
}
"""Status, whether it was late, why it was skipped."""


def recent(text: str) -> list[RecentExecution]:
    """The newest last; none if the text is no strip."""
    if not _STRIP.fullmatch(text):
        return []
    return [
        RecentExecution(int(number, 16), *_OUTCOMES[outcome], None if "-" in took else int(took, 16))
        for number, outcome, took in _ENTRY.findall(text)
    ]
