"""Whether the caller of a request hung up, for whoever is long about answering it."""

from collections.abc import Callable, MutableMapping
from typing import Any

_KEY = "recuro.hang_up"


class HangUp:
    """Of one connection, which answers one request at a time; to watch for it takes no task."""

    __slots__ = ("_tell", "has_come")

    def __init__(self) -> None:
        self.has_come = False
        self._tell: Callable[[], None] | None = None

    def watch(self, tell: Callable[[], None]) -> None:
        """Call it once the caller hangs up, or now if that was before."""
        self._tell = tell
        if self.has_come:
            tell()

    def unwatch(self) -> None:
        self._tell = None

    def come(self) -> None:
        self.has_come = True
        if self._tell:
            self._tell()


def give(scope: MutableMapping[str, Any], hang_up: HangUp) -> None:
    """Let a request have that of its connection, which `of` returns from then on."""
    scope[_KEY] = hang_up


def of(scope: MutableMapping[str, Any]) -> HangUp | None:
    """That of the request, if its server tells of it."""
    found: HangUp | None = scope.get(_KEY)
    return found
