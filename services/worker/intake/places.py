"""The places of a worker: what it has in hand, how much more it may take, what it keeps for quiet queues."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from services.worker.work import Notice, Work

NOTICE_SHARE, LEAST_NOTICES = 4, 4
"""Up to a quarter as many callbacks and alerts as places take none: if they hang, no job waits for them."""
RESERVE = 16
"""One place in so many is kept for queues with nothing in flight: slow jobs elsewhere do not delay them."""
CROWD_SHARE, LEAST_CROWD = 8, 4
"""Of a full worker a team with an eighth of the places has many: half of those kept are for the others."""


class Spare(NamedTuple):
    """What a full worker has left for quiet queues.

    Teams of the `crowd` have many of its places already; they leave `kept` of these to the others.
    """

    places: int
    kept: int = 0
    crowd: tuple[int, ...] = ()


NONE_SPARE = Spare(0)


class Places:
    """So many, counted when work is claimed and when its result is in Redis; nothing here waits."""

    __slots__ = ("_crowd", "_for_any", "_most_notices", "_notices", "_reserve", "_works")

    def __init__(self, most: int) -> None:
        self._reserve = most // RESERVE
        self._for_any = most - self._reserve
        self._most_notices = max(LEAST_NOTICES, most // NOTICE_SHARE)
        self._crowd = max(LEAST_CROWD, most // CROWD_SHARE)
        self._works: set[Work] = set()
        self._notices = 0
        """How many of them are callbacks and alerts."""

    def take(self, works: Iterable[Work]) -> None:
        for work in works:
            self._works.add(work)
            self._notices += isinstance(work, Notice)

    def leave(self, work: Work) -> None:
        """Its place is free; nothing happens if it has none any more."""
        if work in self._works:
            self._works.discard(work)
            self._notices -= isinstance(work, Notice)

    def in_hand(self) -> list[Work]:
        """A copy: the thread that beats looks at it, too."""
        return list(self._works)

    def free(self) -> int:
        """Places for any work; fewer than none where those kept for quiet queues are in use."""
        return self._for_any - len(self._works) + min(self._notices, self._most_notices)

    def spare(self) -> Spare:
        teams = Counter(work.team for work in self._works)
        crowd = tuple(team for team, count in teams.items() if count >= self._crowd)
        return Spare(self._reserve + min(0, self.free()), self._reserve // 2, crowd)
