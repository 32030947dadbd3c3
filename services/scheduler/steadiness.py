"""Whether the installation's clock can be believed, and by what it is to be corrected when Redis's jumps."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared import moments

STEP_SECONDS = 2.0
"""Clocks that differ by no more agree."""
SNAP_SECONDS = 0.5
"""A correction that is smaller is none."""
PAUSE_SECONDS = 30.0
"""For so long a jump that we cannot mend is not believed."""
START_SECONDS = 60.0
"""Nor is a clock, when we start, that differs by more from our own and for which nobody else vouches."""
VOUCHED_SECONDS = (moments.AHEAD_MS + moments.SLACK_MS) / 1000
"""Who vouches for a moment that is farther from ours has not done so before the clock jumped."""
SHARE = 0.1
"""Our wall clock speaks for the expected time if that differs by so little of what the new one does."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the clocks, in seconds."""

    redis: float
    """The clock of Redis, without correction."""
    correction: float
    own: float
    """Ours that nobody sets, before the look."""
    wall: float
    """Ours that people and NTP set."""
    took: float = 0.0
    is_vouched: bool = False
    """Somebody vouches for this moment already."""
    others: Sequence[float] = ()
    """How far the wall clocks of the other schedulers are ahead of the installation's."""

    @property
    def now(self) -> float:
        """The installation's clock."""
        return self.redis + self.correction

    @property
    def is_witnessed(self) -> bool:
        """Whether the wall clock of another scheduler agrees with it."""
        return any(_agrees(ahead, 0.0) for ahead in self.others)


@dataclass(frozen=True, slots=True)
class Steady:
    """The installation's clock can be believed."""

    now: float
    has_jumped: bool = False
    """It is another time than it would have been: what was reckoned before may be wrong."""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """It has jumped, and nobody vouches for it yet."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """The clock of Redis is wrong, or right again: the correction should be this one (s)."""

    correction: float


Judgement = Steady | Doubtful | Wrong


class Steadiness:
    """Follows the installation's clock by our own that nobody sets.

    A jump of Redis's is taken out of it if our wall clock has not jumped too. Otherwise nobody vouches for it
    for 30 s: a cron that fired two hours early would then be silent for two hours.
    """

    def __init__(self) -> None:
        self._offset: float | None = None
        self._correction = 0.0
        self._wall_offset = 0.0
        self._wall_moved = self._wall_moved_since = 0.0
        """In all, and since the correction is what it is."""
        self._doubt_until: float | None = None
        self._right_since: float | None = None

    def judge(self, seen: Reading) -> Judgement:
        """What a look means; after Wrong, the correction is expected to have changed when we look again."""
        self._watch_wall(seen)
        if self._offset is None:
            return self._begin(seen)
        if seen.correction != self._correction:
            return self._take_over(seen)
        expected = seen.own + self._offset
        if abs(seen.now - expected) > STEP_SECONDS + seen.took:
            return self._jumped(seen, expected)
        if self._is_right_without(seen):
            return Wrong(0.0)
        self._follow(seen)
        return self._after_doubt(seen)

    def _begin(self, seen: Reading) -> Judgement:
        is_wrong = abs(seen.now - seen.wall) > STEP_SECONDS
        if seen.correction and is_wrong and not seen.is_vouched and _agrees(seen.redis, seen.wall):
            return Wrong(0.0)
        self._offset, self._correction = seen.now - seen.own, seen.correction
        if abs(seen.now - seen.wall) > START_SECONDS and not seen.is_vouched:
            return self._doubt(seen)
        return Steady(seen.now)

    def _take_over(self, seen: Reading) -> Judgement:
        """A scheduler changed the correction; with what it saw, we would have done so too."""
        self._offset, self._correction = seen.now - seen.own, seen.correction
        self._doubt_until = self._right_since = None
        self._wall_moved_since = 0.0
        return Steady(seen.now, has_jumped=True)

    def _jumped(self, seen: Reading, expected: float) -> Judgement:
        if seen.took > STEP_SECONDS / 2:
            return Doubtful()  # too slow an answer to reckon with
        if seen.is_vouched and seen.is_witnessed and abs(seen.now - expected) > VOUCHED_SECONDS:
            self._offset = seen.now - seen.own
            return Steady(
                seen.now, has_jumped=True
            )  # it is our machine that was suspended, with all its clocks
        if abs(seen.wall - expected) <= max(STEP_SECONDS, SHARE * abs(seen.wall - seen.now)):
            correction = expected - seen.redis
            return Wrong(0.0 if abs(correction) < SNAP_SECONDS else correction)
        self._offset = seen.now - seen.own
        return self._doubt(seen)

    def _doubt(self, seen: Reading) -> Doubtful:
        self._doubt_until = seen.own + PAUSE_SECONDS
        return Doubtful()

    def _follow(self, seen: Reading) -> None:
        if seen.took < STEP_SECONDS / 2:
            self._offset = seen.now - seen.own

    def _after_doubt(self, seen: Reading) -> Judgement:
        if self._doubt_until is None:
            return Steady(seen.now)
        if seen.own < self._doubt_until:
            return Doubtful()
        self._doubt_until = None
        return Steady(seen.now, has_jumped=True)

    def _watch_wall(self, seen: Reading) -> None:
        """Our wall clock is no witness while it has jumped itself: it may be that of Redis."""
        offset = seen.wall - seen.own
        moved = 0.0 if self._offset is None else offset - self._wall_offset
        if abs(moved) > STEP_SECONDS:
            self._wall_moved += moved
            self._wall_moved_since += moved
        self._wall_offset = offset

    def _is_right_without(self, seen: Reading) -> bool:
        """Whether Redis's own clock has for 30 s been right, and only the corrected one is wrong.

        Ours has moved since by what was corrected where it was we who were wrong: after a suspension, say.
        """
        is_right = (
            seen.correction != 0
            and (_agrees(self._wall_moved, 0.0) or _agrees(self._wall_moved_since, -seen.correction))
            and _agrees(seen.redis, seen.wall)
            and not _agrees(seen.now, seen.wall)
            and not seen.is_witnessed
        )
        if not is_right:
            self._right_since = None
        elif self._right_since is None:
            self._right_since = seen.own
        return self._right_since is not None and seen.own - self._right_since >= PAUSE_SECONDS


def _agrees(one: float, other: float) -> bool:
    return abs(one - other) <= STEP_SECONDS
