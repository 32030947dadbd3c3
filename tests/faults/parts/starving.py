"""How long processes waited for a processor, moment by moment: what a busy machine adds to a span that a row judges."""

import os
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

PERIOD_SECONDS = 0.05


def starved(process: int) -> float:
    """How many seconds it has waited for a processor since it began."""
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9


class Starving:
    """`with Starving(processes) as starving:` samples them and this one; they must live as long as the block."""

    def __init__(self, processes: Sequence[int]) -> None:
        self._processes = (*processes, os.getpid())
        self._at: list[float] = []
        self._sums: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_looking, name="starving")

    def __enter__(self) -> "Starving":
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    def between(self, began: float, ended: float) -> float:
        """How long all of them waited in that span of monotonic time, rounded up to whole samples."""
        first = max(0, bisect_right(self._at, began) - 1)
        last = min(len(self._at) - 1, bisect_left(self._at, ended))
        return self._sums[last] - self._sums[first]

    def _keep_looking(self) -> None:
        while not self._stop.wait(PERIOD_SECONDS):
            self._look()

    def _look(self) -> None:
        self._at.append(time.monotonic())
        self._sums.append(sum(map(starved, self._processes)))
