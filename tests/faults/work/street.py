"""Harmful targets, all at once: each job ends in time and for the right reason, and the worker stays small."""

import asyncio
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from tests import hostile
from tests.faults.parts.installation import Options
from tests.faults.parts.names import Names
from tests.faults.stage import Scene, Stage, playing
from tests.faults.story import Skipped
from tests.poll import until

GROWTH_MEBIBYTES = 20
TIMEOUT_SECONDS, NAME_SECONDS = 3, 10
ROUNDS = 4
REDIRECT = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "
HEAD = hostile.HEAD
OK = HEAD + b"Connection: close\r\nContent-Length: 0\r\n\r\n"
TARGETS: dict[str, tuple[hostile.Behaviour, str | None]] = {
    "drip head": (hostile.drip_head, "timeout"),
    "drip body": (hostile.drip_body, "timeout"),
    "endless body": (hostile.endless_body, None),
    "endless interim answers": (hostile.endless_interim, "timeout"),
    "long header": (hostile.long_header, "response_too_large"),
    "cut head": (hostile.cut_head, None),
    "cut body": (hostile.cut_body, None),
    "no HTTP": (hostile.not_http, "connection_error"),
    "two framings": (hostile.smuggled, None),
    "gzip bomb": (hostile.gzip_bomb(200 << 20), None),
    "deaf": (hostile.deaf, "timeout"),
    "silent": (hostile.silent, "timeout"),
    "redirect to loopback": (hostile.saying(REDIRECT + b"http://127.0.0.1:22/\r\n\r\n"), "redirect"),
    "redirect to metadata": (hostile.saying(REDIRECT + b"http://169.254.169.254/\r\n\r\n"), "redirect"),
    "redirect loop": (hostile.saying(REDIRECT + b"/\r\n\r\n"), "redirect"),
    "split header": (hostile.saying(HEAD + b"X-A: 1\r\r\nX-B: 2\r\n\r\n"), None),
    "header with NUL": (hostile.saying(HEAD + b"X-A: a\0b\r\n\r\n"), "connection_error"),
    "a million headers": (hostile.saying(HEAD, b"X: 1\r\n" * 1000, endlessly=True), "response_too_large"),
}
CERTIFICATES: dict[str, tuple[str, int, str | None]] = {
    "certificate that holds": ("localhost", 30, None),
    "certificate of nobody": ("localhost", 30, "ssl_error"),
    "certificate that has ended": ("localhost", -30, "ssl_error"),
    "certificate of another": ("other.example", 30, "ssl_error"),
}
NAMES: dict[str, list[list[str]]] = {
    "good.test": [["127.0.0.1"]],
    "hangs.test": [],
    "rebinds.test": [["127.0.0.1"], ["10.0.0.1"]],
    "mixed.test": [["127.0.0.1", "10.0.0.1"]],
    "metadata.test": [["169.254.169.254"]],
}
REASONS: dict[str, set[str | None]] = {
    "good.test": {None},
    "hangs.test": {"dns_error"},
    "rebinds.test": {None, "blocked_address"},
    "mixed.test": {"blocked_address"},
    "metadata.test": {"blocked_address"},
    "unknown.test": {"dns_error"},
}


async def hostile_targets(scene: Scene) -> None:
    """Every kind of harm, several times; the worker's memory grows by less than 20 MiB."""
    trusted = _make_certificates(scene.folder)
    options = Options(concurrency=64, environments={"worker": {"SSL_CERT_FILE": str(trusted)}})
    async with playing(scene, options) as stage:
        stage.queue("street", timeout_seconds=TIMEOUT_SECONDS, retries_enabled=False)
        worker = stage.installation.of("worker")[0]
        await _ends_as_expected(stage)
        before = _resident(worker)
        for _ in range(1 if scene.is_small else ROUNDS):
            await _ends_as_expected(stage)
        grown = _resident(worker) - before
        stage.story.figures |= {
            "kinds": len(TARGETS) + len(CERTIFICATES),
            "RSS MiB": before,
            "grown by": grown,
        }
        assert grown < GROWTH_MEBIBYTES, f"the worker grew by {grown} MiB"


async def hostile_names(scene: Scene) -> None:
    """Names that hang, change or lead to private addresses, through the system's own resolver."""
    unshare = shutil.which("unshare")
    if not unshare or os.geteuid() != 0:
        raise Skipped("a resolv.conf for one process needs unshare and root")
    with Names({name: [*said] for name, said in NAMES.items()}) as names:
        private = (unshare, "-m", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"')
        wraps = {"worker": (*private, str(names.resolv_conf(scene.folder)))}
        async with playing(scene, Options(wraps=wraps)) as stage:
            stage.queue("street", timeout_seconds=NAME_SECONDS, retries_enabled=False)
            urls = {name: f"http://{name}:{stage.target.port}/" for name in REASONS}
            for number in range(3):
                found = await _reasons(stage, {name: [url] for name, url in urls.items()}, NAME_SECONDS)
                wrong = {name: one for name, (one,) in found.items() if one not in REASONS[name]}
                assert not wrong, f"round {number}: {wrong}"
            stage.story.figures["names looked up"] = len(names.queries)
            await stage.settle()
            reached = {request.headers["Host"].partition(":")[0] for request in stage.target.received}
            assert reached <= {"good.test", "rebinds.test"}, reached


async def _ends_as_expected(stage: Stage) -> None:
    """On new ports each time: a host that was silent before would have an open circuit."""
    with _serving(stage.scene.folder) as addresses:
        found = await _reasons(stage, {name: [f"{url}/"] * 4 for name, url in addresses.items()})
    expected: dict[str, set[str | None]] = {name: {reason} for name, (_, reason) in TARGETS.items()}
    expected |= {name: {reason} for name, (_, _, reason) in CERTIFICATES.items()}
    expected["endless interim answers"].add("timeout")  # whichever comes first on a busy machine
    wrong = {name: (said, expected[name]) for name, said in found.items() if not set(said) <= expected[name]}
    assert not wrong, wrong


async def _reasons(
    stage: Stage, urls: dict[str, list[str]], seconds: float = TIMEOUT_SECONDS
) -> dict[str, list[str | None]]:
    """Why the jobs for each target failed, once all have ended; empty for those that did not fail."""
    targets = [(name, url) for name, own in urls.items() for url in own]
    stage.scene.rng.shuffle(targets)
    batch = {"jobs": [{"queue": "street", "url": url} for _, url in targets]}
    answer = stage.installation.client.post("/api/jobs/batch", json=batch)
    ids = [result["job_id"] for result in answer.json()["results"]]

    async def ended() -> bool:
        await asyncio.sleep(0.2)  # a poller, slower than usual
        counts = await stage.counts()
        return counts.pending == counts.processing == 0

    await until(ended, 120)
    found: dict[str, list[str | None]] = {name: [] for name in urls}
    for (name, _), job_id in zip(targets, ids, strict=True):
        job = stage.installation.client.get(f"/api/jobs/{job_id}").json()
        found[name].append(job["run"]["failure_reason"])
        assert job["run"]["duration_ms"] < 1000 * (seconds + 8), (name, job["run"])
    return found


@contextmanager
def _serving(folder: Path) -> Iterator[dict[str, str]]:
    """Every target in a thread of its own and on its own port; some of them with a certificate."""
    addresses: dict[str, str] = {}
    ready, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            for name, (behave, _) in TARGETS.items():
                addresses[name] = f"http://{await stack.enter_async_context(hostile.serving(behave))}"
            for name in CERTIFICATES:
                tls = hostile.server_tls(folder / f"{name}.pem")
                address = await stack.enter_async_context(hostile.serving(hostile.saying(OK), tls))
                addresses[name] = f"https://localhost:{address.rpartition(':')[2]}"
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield addresses
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)


def _make_certificates(folder: Path) -> Path:
    """Make all certificates; return a file with those that the worker trusts."""
    trusted = folder / "trusted.pem"
    for name, (host, days, _) in CERTIFICATES.items():
        made = hostile.certificate(folder, host, days=days).rename(folder / f"{name}.pem")
        if name != "certificate of nobody":
            with trusted.open("a") as file:
                file.write(made.read_text())
    return trusted


def _resident(process: subprocess.Popen[bytes]) -> int:
    """MiB of memory that the process uses."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


BOUNDED = (hostile_names,)
LONG = (hostile_targets,)
