"""`python -m tests.faults.parts.probe PORT:PROCESS…`: request /healthz of servers again and again; one JSON line a request.

It is a process of its own, so that it shares no interpreter with the code that floods the servers.
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
from tests.faults.parts.starving import starved

PAUSE_SECONDS, PATIENCE_SECONDS = 0.05, 30.0
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Probe:
    """One request; `waited` is how long server or probe had no processor, which is no fault of the server."""

    at: float
    port: int
    took: float
    waited: float
    error: str

    @property
    def own(self) -> float:
        return self.took - self.waited


@contextmanager
def probing(doors: Mapping[int, int], log: Path) -> Iterator[list[Probe]]:
    """Probe the servers (the process of each port) while the block runs; the list is filled at its end."""
    probes: list[Probe] = []
    pairs = [f"{port}:{process}" for port, process in doors.items()]
    command = leashed([sys.executable, "-m", "tests.faults.parts.probe", *pairs], death_signal=signal.SIGKILL)
    with log.open("wb") as said:
        process = subprocess.Popen(command, stdout=said)
    try:
        yield probes
    finally:
        process.kill()
        process.wait()
        lines = log.read_text().split("\n")[:-1]  # the last one may be half
        probes += [Probe(**json.loads(line)) for line in lines]


def main() -> None:
    doors = [tuple(map(int, pair.split(":"))) for pair in sys.argv[1:]]
    while True:
        for port, process in doors:
            print(json.dumps(asdict(_probe(port, process))), flush=True)
        time.sleep(PAUSE_SECONDS)


def _probe(port: int, process: int) -> Probe:
    began, starved, error = time.monotonic(), _starved(process), ""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS) as wire:
            wire.sendall(GET)
            said = wire.recv(4096)
        if not said.startswith(b"HTTP/1.1 200 "):
            error = f"got {said[:60]!r}"
    except OSError as trouble:
        error = repr(trouble)
    return Probe(began, port, time.monotonic() - began, _starved(process) - starved, error)


def _starved(process: int) -> float:
    """How many seconds it and we have waited for a processor, since each began."""
    return starved(process) + starved(os.getpid())


if __name__ == "__main__":
    main()
