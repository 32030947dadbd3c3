"""What the sink saw, in memory shared with the harness: reading it costs the sink nothing."""

import mmap
import time
from pathlib import Path

PORT, COUNT, FIRST, LAST, ARRIVALS = 0, 1, 2, 3, 4
NUMBERS = 10_000
"""For requests to `/<number>` below this, the moment of each arrival is kept."""


class Board:
    """Counters and moments (ns of the machine's monotonic clock), one 8-byte slot each."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(8 * (ARRIVALS + NUMBERS)))
        with path.open("r+b") as file:
            self._slots = memoryview(mmap.mmap(file.fileno(), 0)).cast("q")

    def listen(self, port: int) -> None:
        """Store the sink's port; from then on it is ready."""
        self._slots[PORT] = port

    def arrive(self, number: int) -> None:
        """Count one whole request."""
        now = time.monotonic_ns()
        slots = self._slots
        if not slots[COUNT]:
            slots[FIRST] = now
        slots[ARRIVALS + number] = slots[LAST] = now
        slots[COUNT] += 1

    def clear(self) -> None:
        """Reset all counts; nothing may be in flight."""
        self._slots[COUNT] = self._slots[FIRST] = self._slots[LAST] = 0

    @property
    def port(self) -> int:
        return self._slots[PORT]

    @property
    def count(self) -> int:
        return self._slots[COUNT]

    @property
    def seconds(self) -> float:
        """From the first request to the last."""
        return (self._slots[LAST] - self._slots[FIRST]) / 1e9

    def arrived_ns(self, number: int) -> int:
        return self._slots[ARRIVALS + number]
