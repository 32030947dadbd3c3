"""Decide whether the installation's clock can be trusted, and correct it when the clock of Redis jumps."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.store import moments

STEP_SECONDS = 2.0
"""Clocks that differ by at most this agree."""
SNAP_SECONDS = 0.5
"""A smaller correction counts as none."""
PAUSE_SECONDS = 30.0
"""A jump that we cannot correct is not trusted for so long."""
START_SECONDS = 60.0
"""Nor, at our start, a clock that differs by more from ours and for which nobody else vouches."""
VOUCHED_SECONDS = (moments.AHEAD_MS + moments.SLACK_MS) / 1000
"""A scheduler that vouches for a moment farther from ours did so after the clock jumped."""
SHARE = 0.1
"""Our wall clock confirms the expected time if their difference is at most this share of the new clock's."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the clocks, in seconds."""

    redis: float
    """The clock of Redis, without correction."""
    correction: float
    own: float
    """Our clock that nobody sets, before the look."""
    wall: float
    """Our clock that people and NTP set."""
    took: float = 0.0
    is_vouched: bool = False
    """Whether somebody vouches for this moment already."""
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
    """The installation's clock can be trusted."""

    now: float
    has_jumped: bool = False
    """The time differs from the expected one: what was computed before may be wrong."""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """It has jumped, and nobody vouches for it yet."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """The clock of Redis is wrong, or right again: the correction (s) that is needed now."""

    correction: float


Judgement = Steady | Doubtful | Wrong


class Steadiness:
    """Compares the installation's clock with our own clock that nobody sets.

    A jump of the clock of Redis is corrected if our wall clock has not jumped too. Otherwise nobody vouches
    for it for 30 s: a cron that fired two hours early would then be silent for two hours.
    """

    def __init__(self) -> None:
        self._offset: float | None = None
        self._correction = 0.0
        self._wall_offset = 0.0
        self._wall_moved = self._wall_moved_since = 0.0
        """How far our wall clock has jumped: in all, and since the present correction."""
        self._doubt_until: float | None = None
        self._right_since: float | None = None

    def judge(self, seen: Reading) -> Judgement:
        """The meaning of a look; after Wrong, the correction should have changed at the next look."""
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
        """Another scheduler changed the correction, as we would have with what it saw."""
        self._offset, self._correction = seen.now - seen.own, seen.correction
        self._doubt_until = self._right_since = None
        self._wall_moved_since = 0.0
        return Steady(seen.now, has_jumped=True)

    def _jumped(self, seen: Reading, expected: float) -> Judgement:
        if seen.took > STEP_SECONDS / 2:
            return Doubtful()  # the answer was too slow to compute with
        if seen.is_vouched and seen.is_witnessed and abs(seen.now - expected) > VOUCHED_SECONDS:
            self._offset = seen.now - seen.own
            return Steady(seen.now, has_jumped=True)  # our machine was suspended, with all its clocks
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
        """Our wall clock is no witness after a jump of its own: it may be the clock of Redis too."""
        offset = seen.wall - seen.own
        moved = 0.0 if self._offset is None else offset - self._wall_offset
        if abs(moved) > STEP_SECONDS:
            self._wall_moved += moved
            self._wall_moved_since += moved
        self._wall_offset = offset

    def _is_right_without(self, seen: Reading) -> bool:
        """Whether the clock of Redis has been right for 30 s, and only the correction is wrong.

        If we were wrong, as after a suspension, our clock has moved since by the correction.
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
