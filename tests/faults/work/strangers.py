"""Clients without a token flood API and gateway by raw sockets: memory stays, and health checks get answers."""

import asyncio
import os
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from shared.runtime.serving.bounds import allow_files
from tests.faults.parts.installation import FaultInstallation, Options
from tests.faults.parts.probe import GET, Probe, probing
from tests.faults.stage import Scene, Stage, playing
from tests.faults.story import Skipped
from tests.poll import until

GROWTH_MEBIBYTES = 50
PATIENCE_SECONDS, SLOW_BY_CHANCE = 0.5, 3
"""Of hundreds of probes: a busy machine may hold up a few, a flood that holds the loop does so for each of them."""
CROWD = 5_000
AT_ONCE = 100
FILES = 2 * CROWD + 500
PART = 65_536
POURED = 150 << 20

HEAD = b"POST /api/jobs HTTP/1.1\r\nHost: x\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
HALF = b"GET / HTTP/1.1\r\nHost: x\r\nX-Half: "

POURS: dict[str, tuple[bytes, bytes]] = {
    "a line without end": (b"GET /", b"a" * PART),
    "a header field without end": (HEAD + b"X-A: ", b"a" * PART),
    "headers without end": (HEAD, b"X-A: b\r\n" * (PART // 8)),
    "a body that was announced without end": (HEAD + b"Content-Length: 1000000000000\r\n\r\n", b"a" * PART),
    "chunks without end": (CHUNKED, b"%x\r\n%b\r\n" % (PART, b"a" * PART)),
    "single bytes as chunks": (CHUNKED, b"1\r\na\r\n" * (PART // 6)),
    "a chunk extension without end": (CHUNKED + b"1;", b"a" * PART),
    "trailers without end": (CHUNKED + b"0\r\n", b"X-A: b\r\n" * (PART // 8)),
    "empty lines": (b"", b"\r\n" * (PART // 2)),
    "requests in a row": (b"", GET * (PART // len(GET))),
    "no HTTP": (b"", b"\x16\x03\x01" * (PART // 3)),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x00" * PART),
}
CROWDS: dict[str, bytes] = {"silent": b"", "half": HALF, "idle": GET}


async def strangers_at_both_doors(scene: Scene) -> None:
    """Every kind of flood and crowd; each server grows by less than 50 MiB and answers /healthz in half a second."""
    if allow_files(FILES) < FILES:
        raise Skipped(f"{FILES} open files are needed")
    async with playing(scene, Options(services=("api", "mcp"))) as stage:
        ports = [stage.installation.api_port, stage.installation.mcp_port]
        doors = [*stage.installation.of("api"), *stage.installation.of("mcp")]
        processes = {port: door.pid for port, door in zip(ports, doors, strict=True)}
        before = [resident(door) for door in doors]
        with probing(processes, scene.folder / "probe.log") as probes:
            await _all_floods(stage, ports)
        grown = [peak(door) - old for door, old in zip(doors, before, strict=True)]
        stage.story.figures |= {
            "grown by MiB": " and ".join(map(str, grown)),
            "probes": len(probes),
            "slowest ms": round(1000 * max(one.own for one in probes)),
            "without a processor ms": round(1000 * max(one.waited for one in probes)),
        }
        stage.no_process_ended()
        await _files_come_back(stage.installation)
    failures = [one for one in probes if one.error]
    slow = [(_during(stage, one), round(one.own, 2)) for one in probes if one.own >= PATIENCE_SECONDS]
    assert not failures, f"{len(failures)} of {len(probes)} failed: {failures[:3]}"
    assert max(grown) <= GROWTH_MEBIBYTES, f"API and gateway grew by {grown} MiB"
    assert len(slow) <= SLOW_BY_CHANCE, f"{len(slow)} of {len(probes)} took too long: {slow[:5]}"


async def _all_floods(stage: Stage, ports: Sequence[int]) -> None:
    for name, (begin, more) in POURS.items():
        with stage.story.during(name):
            await asyncio.gather(*(_pours(port, begin, more) for port in (*ports, *ports)))
    for name, said in CROWDS.items():
        with stage.story.during(f"{CROWD} {name} connections"):
            await _crowd(ports, said)


def _during(stage: Stage, one: Probe) -> str:
    at = one.at - stage.story.began
    return " and ".join(fault.what for fault in stage.story.faults if fault.at <= at <= fault.until)


async def _pours(port: int, begin: bytes, more: bytes) -> None:
    """Send until so much was sent, on a new connection whenever one is closed, for 3 s at most."""
    sent, deadline = 0, time.monotonic() + 3
    while sent < POURED and time.monotonic() < deadline:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(begin)
            try:
                while sent < POURED and time.monotonic() < deadline and not reader.at_eof():
                    writer.write(more)
                    sent += len(more)
                    await asyncio.wait_for(writer.drain(), 1)
                    await asyncio.sleep(0)  # so that a close by the other side is seen
            finally:
                writer.transport.abort()


async def _crowd(ports: Sequence[int], said: bytes) -> None:
    """Open all of them, and keep those that stay open for a moment."""
    writers: list[asyncio.StreamWriter] = []
    try:
        for _ in range(CROWD // AT_ONCE):
            arriving = [_arrive(port, said) for port in ports for _ in range(AT_ONCE)]
            for one in await asyncio.gather(*arriving, return_exceptions=True):
                if isinstance(one, asyncio.StreamWriter):
                    writers.append(one)
        await asyncio.sleep(1)
    finally:
        for writer in writers:
            writer.transport.abort()


async def _arrive(port: int, said: bytes) -> asyncio.StreamWriter:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(said)
    if said == GET:
        await reader.readuntil(b"}")  # answered, and idle
    return writer


async def _files_come_back(installation: FaultInstallation) -> None:
    """No open file is left."""

    async def are_few() -> bool:
        doors = [*installation.of("api"), *installation.of("mcp")]
        return max(len(os.listdir(f"/proc/{door.pid}/fd")) for door in doors) < 64

    await until(are_few, 20)


def _status(process: subprocess.Popen[bytes], field: str) -> int:
    text = Path(f"/proc/{process.pid}/status").read_text()
    return int(text.partition(f"{field}:")[2].split()[0]) // 1024


def resident(process: subprocess.Popen[bytes]) -> int:
    """MiB of memory that the process uses."""
    return _status(process, "VmRSS")


def peak(process: subprocess.Popen[bytes]) -> int:
    """The most MiB that it ever used."""
    return _status(process, "VmHWM")


BOUNDED = (strangers_at_both_doors,)
LONG = ()
