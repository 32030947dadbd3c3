"""Moments: aware UTC datetimes in Python, whole milliseconds in Redis."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

_MONOTONIC = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""CLOCK_MONOTONIC would stand still on Linux while the machine is suspended."""


elapsed: Callable[[], float] = partial(time.clock_gettime, _MONOTONIC)
"""Seconds of a clock that nobody sets, and that runs on while the machine or this process sleeps."""

_FIRST = datetime.min.replace(tzinfo=UTC).timestamp()
_LAST = datetime.max.replace(tzinfo=UTC, microsecond=0).timestamp()


def now() -> datetime:
    return datetime.now(UTC)


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


def moment(milliseconds: float | str) -> datetime:
    """The aware UTC datetime of so many milliseconds since 1970, within the years that Python has."""
    seconds = float(milliseconds) / 1000
    if not 0 <= seconds <= _LAST:  # the usual case costs no more than this check
        seconds = min(max(seconds, _FIRST), _LAST)
    return datetime.fromtimestamp(seconds, UTC)
