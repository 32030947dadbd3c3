"""`python -m tests.faults.probe PORT:PROCESS…`: ask doors for their life, again and again; one JSON line a question.

A process of its own, so that it shares no interpreter with what floods the doors.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from services.cli.leash import leashed

PAUSE_SECONDS = 0.05
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Asked:
    """One question; `waited`: for how long door or probe had work and no processor, which is no fault of a door."""

    at: float
    port: int
    took: float
    waited: float
    error: str

    @property
    def own(self) -> float:
        return self.took - self.waited


@contextmanager
def probing(doors: Mapping[int, int], log: Path) -> Iterator[list[Asked]]:
    """Ask the doors (the process of each port) as long as the block lasts; the list is full at its end."""
    asked: list[Asked] = []
    pairs = [f"{port}:{process}" for port, process in doors.items()]
    command = leashed([sys.executable, "-m", "tests.faults.probe", *pairs], death_signal=signal.SIGKILL)
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said)
    try:
        yield asked
    finally:
        process.kill()
        process.wait()
        lines = log.read_text().split("\n")[:-1]  # the last one may be half
        asked += [Asked(**json.loads(line)) for line in lines]


def main() -> None:
    doors = [tuple(map(int, pair.split(":"))) for pair in sys.argv[1:]]
    while True:
        for port, process in doors:
            print(json.dumps(asdict(_ask(port, process))), flush=True)
        time.sleep(PAUSE_SECONDS)


def _ask(port: int, process: int) -> Asked:
    began, starved, error = time.monotonic(), _starved(process), ""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as wire:
            wire.sendall(GET)
            said = wire.recv(4096)
        if not said.startswith(b"HTTP/1.1 200 "):
            error = f"was told {said[:60]!r}"
    except OSError as trouble:
        error = repr(trouble)
    return Asked(began, port, time.monotonic() - began, _starved(process) - starved, error)


def _starved(process: int) -> float:
    """For how many seconds it and we waited for a processor, since we all began."""
    schedules = [Path(f"/proc/{one}/schedstat").read_text() for one in (process, os.getpid())]
    return sum(int(schedule.split()[1]) for schedule in schedules) / 1e9


if __name__ == "__main__":
    main()
