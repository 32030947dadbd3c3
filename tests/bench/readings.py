"""Meters: the CPU time of a process, and what Redis says of itself."""

import os
from dataclasses import dataclass
from pathlib import Path

from redis.asyncio import Redis

TICKS = os.sysconf("SC_CLK_TCK")


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


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads (Linux), in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def read(redis: Redis, worker: int, sink: int) -> Reading:
    """The worker and the sink by their process ids."""
    cpu, stats = await redis.info("cpu"), await redis.info("stats")
    return Reading(
        worker_cpu=cpu_seconds(worker),
        sink_cpu=cpu_seconds(sink),
        redis_cpu=float(cpu["used_cpu_user"]) + float(cpu["used_cpu_sys"]),
        redis_commands=int(stats["total_commands_processed"]),
        redis_reads=int(stats["total_reads_processed"]),
    )
