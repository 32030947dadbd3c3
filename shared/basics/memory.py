"""Caches of function results, bounded in bytes: what is no longer used is forgotten."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
K = TypeVar("K")
V = TypeVar("V")

MEBIBYTE = 1 << 20
KEPT_SECONDS = 300.0
"""What is not used for that long, or at most twice that, is forgotten when a new entry comes."""
_ENTRY_BYTES = 400
"""The size of an entry beside its texts."""
_ABSENT: Any = object()


class Remembered(dict[K, V]):
    """A cached function of one value whose size callers or targets choose; what it raises is not cached.

    The cache has a present half and a previous one. An entry that is used moves to the present half. When
    that is full or old, it becomes the previous half, and the one before is dropped. `per_byte` is how many
    bytes an entry takes for each byte of its value, and `per_entry` how many in addition.
    """

    __slots__ = ("_before", "_began", "_most", "bytes", "per_byte", "per_entry", "work")

    def __init__(
        self, work: Callable[[K], V], most_bytes: int, *, per_byte: int = 3, per_entry: int = _ENTRY_BYTES
    ) -> None:
        self.work = work
        self._most = most_bytes // 2
        self.per_byte, self.per_entry = per_byte, per_entry
        self._before: dict[K, V] = {}
        self.bytes = 0
        """The counted bytes of the present half, which is the mapping itself."""
        self._began = time.monotonic()

    if TYPE_CHECKING:

        def __call__(self, value: K, /) -> V:
            """The function's result."""
    else:
        # A known value costs no Python frame: one request looks up some fifteen.
        __call__ = dict.__getitem__

    def __missing__(self, value: K) -> V:
        found: V = self._before.pop(value, _ABSENT)
        if found is _ABSENT:
            found = self.work(value)
        self._keep(value, found)
        return found

    def __len__(self) -> int:
        return super().__len__() + len(self._before)

    def _keep(self, value: K, found: V) -> None:
        size = self.per_entry + self.per_byte * _size_of(value)
        if size > self._most:
            return
        now = time.monotonic()
        if self.bytes + size > self._most or now - self._began > KEPT_SECONDS:
            self._before = dict(self)
            self.clear()
            self.bytes, self._began = 0, now
        self[value] = found
        self.bytes += size


class RememberedOfSeveral(Generic[P, V]):
    """The same for a function of several positional values."""

    __slots__ = ("known",)

    def __init__(
        self, work: Callable[P, V], most_bytes: int, *, per_byte: int = 3, per_entry: int = _ENTRY_BYTES
    ) -> None:
        function: Callable[..., V] = work
        self.known = Remembered[tuple[Any, ...], V](
            lambda values: function(*values), most_bytes, per_byte=per_byte, per_entry=per_entry
        )

    def __call__(self, *values: P.args, **_: P.kwargs) -> V:
        return self.known[values]


def remembered(
    most_bytes: int, *, per_byte: int = 3, per_entry: int = _ENTRY_BYTES
) -> Callable[[Callable[[K], V]], Remembered[K, V]]:
    """Decorate a function of one value."""
    return lambda work: Remembered(work, most_bytes, per_byte=per_byte, per_entry=per_entry)


def remembered_of_several(
    most_bytes: int, *, per_byte: int = 3, per_entry: int = _ENTRY_BYTES
) -> Callable[[Callable[P, V]], RememberedOfSeveral[P, V]]:
    """Decorate a function of several values."""
    return lambda work: RememberedOfSeveral(work, most_bytes, per_byte=per_byte, per_entry=per_entry)


def _size_of(value: object) -> int:
    if isinstance(value, tuple):
        return sum(map(_size_of, value))
    return sys.getsizeof(value)
