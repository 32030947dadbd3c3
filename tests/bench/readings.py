"""Meters: the CPU time of processes, and what Redis says of itself."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis

TICKS = os.sysconf("SC_CLK_TCK")
COMMANDS = 2
"""Commands that a reading takes."""


@dataclass(frozen=True, slots=True)
class Reading:
    """All meters at one moment; CPU times in seconds."""

    worker_cpu: float
    sink_cpu: float
    redis_cpu: float
    redis_commands: int
    """Commands run, those inside Lua scripts among them."""
    redis_reads: int
    """Reads from sockets: about one for each command or pipeline that a client sent."""
    bytes: int
    """Memory of the data: neither that of connections nor of what is not yet in the append-only file."""


def tree(roots: Iterable[int]) -> list[int]:
    """These processes and all that descend from them (Linux)."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(") ")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
            continue
    found = list(roots)
    for pid in found:  # grows while we walk it
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, its threads and its ended children, in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


async def read(redis: Redis, workers: Iterable[int], sink: int) -> Reading:
    """The workers, with their children, and the sink by their process ids; `ASKED` commands for Redis."""
    said = await redis.info()
    # INFO's own figure for connections may be a second old.
    connections = sum(int(client["tot-mem"]) for client in await redis.client_list())
    return Reading(
        worker_cpu=sum(map(cpu_seconds, tree(workers))),
        sink_cpu=cpu_seconds(sink),
        redis_cpu=float(said["used_cpu_user"]) + float(said["used_cpu_sys"]),
        redis_commands=int(said["total_commands_processed"]),
        redis_reads=int(said["total_reads_processed"]),
        bytes=int(said["used_memory"]) - int(said["mem_aof_buffer"]) - connections,
    )
