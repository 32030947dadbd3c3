"""Remembering what a function answered: up to so many bytes, and not for longer than somebody asks for it."""

import sys
import time
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
V = TypeVar("V")

MEBIBYTE = 1 << 20
KEPT_SECONDS = 300.0
"""What nobody asked for during that long, or twice, is forgotten when something new comes."""
_ENTRY_BYTES = 400
"""Of an entry, beside what its texts take."""
_ABSENT: Any = object()


class Remembered(Generic[P, V]):
    """A function of values whose size callers or targets choose; what it raises is not remembered.

    In two halves: what was asked for in the present one moves there from the one before. When the present
    half is full, or old, it becomes the one before, and that is forgotten. `per_byte` says how many bytes
    an entry takes for each byte of its arguments, and `per_entry` how many beside.
    """

    __slots__ = ("_before", "_began", "_most", "_present", "bytes", "per_byte", "per_entry", "work")

    def __init__(
        self, work: Callable[P, V], most_bytes: int, *, per_byte: int = 3, per_entry: int = _ENTRY_BYTES
    ) -> None:
        self.work = work
        self._most = most_bytes // 2
        self.per_byte, self.per_entry = per_byte, per_entry
        self._present: dict[object, V] = {}
        self._before: dict[object, V] = {}
        self.bytes = 0
        """Of the present half, as it is counted."""
        self._began = time.monotonic()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> V:
        try:
            return self._present[args]
        except KeyError:
            pass
        found: V = self._before.pop(args, _ABSENT)
        if found is _ABSENT:  # not in a handler: an error of the work must not carry the arguments along
            found = self.work(*args, **kwargs)
        self._keep(args, found)
        return found

    def __len__(self) -> int:
        return len(self._present) + len(self._before)

    def _keep(self, args: object, found: V) -> None:
        size = self.per_entry + self.per_byte * _size_of(args)
        if size > self._most:
            return
        now = time.monotonic()
        if self.bytes + size > self._most or now - self._began > KEPT_SECONDS:
            self._before, self._present = self._present, {}
            self.bytes, self._began = 0, now
        self._present[args] = found
        self.bytes += size


def remembered(
    most_bytes: int, *, per_byte: int = 3, per_entry: int = _ENTRY_BYTES
) -> Callable[[Callable[P, V]], Remembered[P, V]]:
    """Of a decorated function; it takes positional arguments alone."""
    return lambda work: Remembered(work, most_bytes, per_byte=per_byte, per_entry=per_entry)


def _size_of(value: object) -> int:
    if isinstance(value, tuple):
        return sum(map(_size_of, value))
    return sys.getsizeof(value)
