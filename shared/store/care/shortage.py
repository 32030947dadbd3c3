"""How short of memory Redis is, in levels; at each level something is left out."""

from collections.abc import Mapping
from enum import IntEnum

REMEDY = "raise maxmemory, or keep less: RECURO_RETENTION_DAYS, RECURO_RETENTION_BYTES"
_RELIEF = 0.05
"""How much more memory must be free before a level is left again."""


class Shortage(IntEnum):
    """By the share of `maxmemory` that is used; the numbers are those of `memory.lua`."""

    ROOM = 0
    NO_BODIES = 1
    NO_FIRES = 2

    def following(self, share: float) -> "Shortage":
        """The level at that share, coming from this level."""
        return max(
            level for level, begins in _BEGINS.items() if share >= begins - (_RELIEF if level <= self else 0)
        )

    @property
    def effect(self) -> str:
        return _EFFECTS[self]


_BEGINS = {Shortage.ROOM: 0.0, Shortage.NO_BODIES: 0.8, Shortage.NO_FIRES: 0.92}
_EFFECTS = {
    Shortage.ROOM: "everything is kept",
    Shortage.NO_BODIES: "long answers are not kept",
    Shortage.NO_FIRES: "long answers are not kept, and crons are skipped",
}


def share_used(facts: Mapping[str, object]) -> float:
    """The share of `maxmemory` in use by `INFO memory`, as Redis counts it; 0 if there is no limit."""
    most = int(str(facts.get("maxmemory", 0)))
    used = int(str(facts.get("used_memory", 0))) - int(str(facts.get("mem_not_counted_for_evict", 0)))
    return used / most if most else 0.0
