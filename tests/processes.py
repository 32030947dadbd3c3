"""Looking at processes by their id."""

import os
from pathlib import Path


def alive(pid: int) -> bool:
    """Whether it runs (Linux); one that is dead but that its parent has not asked for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def children(pid: int) -> set[int]:
    """The ids of what that process started (Linux)."""
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def resident_bytes(pid: int) -> int:
    """What it has in memory (Linux)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def catches(pid: int, signal_number: int) -> bool:
    """Whether it has a handler for the signal (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (signal_number - 1) & 1)
