"""Strips: what became of the last executions of a cron, as its record has it."""

import re
from collections.abc import Mapping
from typing import Any

from shared.schemas.crons import ExecutionStatus, SkipReason

WIDTH, MOST = 19, 30
_ID, _OUTCOME = 11, 12
"""Where an entry's id and outcome end; what follows is how long it took."""
_STRIP = re.compile(rf"(?:[0-9a-f]{{{_ID}}}[DdFfomlptys][0-9a-f-]{{7}}){{0,{MOST}}}")
_SKIPS = {
    "o": SkipReason.OVERLAP,
    "m": SkipReason.MISSED,
    "l": SkipReason.LIMIT,
    "p": SkipReason.PAUSED,
    "t": SkipReason.ENDED,
    "y": SkipReason.MEMORY,
    "s": None,
}
_OUTCOMES: Mapping[str, Mapping[str, Any]] = {
    **{
        letter: {"status": status, "is_late": letter.isupper(), "skip_reason": None}
        for status, letters in ((ExecutionStatus.COMPLETED, "dD"), (ExecutionStatus.FAILED, "fF"))
        for letter in letters
    },
    **{
        letter: {"status": ExecutionStatus.SKIPPED, "is_late": False, "skip_reason": reason}
        for letter, reason in _SKIPS.items()
    },
}


def recent(text: str) -> list[dict[str, Any]]:
    """The fields of each `RecentExecution`, the newest last; none if the text is no strip."""
    if not _STRIP.fullmatch(text):
        return []
    return [_of(text[at : at + WIDTH]) for at in range(0, len(text), WIDTH)]


def _of(entry: str) -> dict[str, Any]:
    took = entry[_OUTCOME:]
    return {
        "id": int(entry[:_ID], 16),
        **_OUTCOMES[entry[_ID]],
        "duration_ms": None if "-" in took else int(took, 16),
    }
