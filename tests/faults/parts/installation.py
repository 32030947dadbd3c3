"""The installation of the fault rows: any number of each service, a proxy before Redis, all ended with us."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from urllib.parse import unquote

import httpx
from redis import Redis as SyncRedis

from services.cli import embedded
from services.cli.leash import leashed
from shared.store import keyspace
from tests.faults.parts.proxy import Proxy
from tests.installation import RECURO, Installation

READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Options:
    """How it is built; `server` is another server program, `wraps` are prefixes of a service's command."""

    services: tuple[str, ...] = ("api", "scheduler", "worker")
    concurrency: int = 16
    grace_seconds: int = 20
    is_proxied: bool = False
    server: Path | None = None
    wraps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    environments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class FaultInstallation(Installation):
    """`with FaultInstallation(folder, options) as installation:`; call from the main thread, whose end ends everything."""

    def __init__(self, folder: Path, options: Options) -> None:
        super().__init__(folder, concurrency=options.concurrency, grace_seconds=options.grace_seconds)
        self._options = options
        if options.server:
            self.server.stop()
            self._launch()
        self.proxy = Proxy(Path(unquote(self.server.url.removeprefix("unix://"))))
        if options.is_proxied:
            self.proxy.__enter__()
            self.environment["RECURO_REDIS_URL"] = self.proxy.url
        self._service_of: dict[int, str] = {}

    def start(self, service: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start one more process of a service; `environment` is for this one alone."""
        number = sum(known == service for known in self._service_of.values())
        own = {**self.environment, **self._options.environments.get(service, {}), **environment}
        command = [*self._options.wraps.get(service, ()), str(RECURO), service]
        argv = leashed(command, death_signal=signal.SIGKILL)
        with (self.folder / f"{service}-{number}.log").open("wb") as said:
            process = subprocess.Popen(argv, env=own, stdout=said, stderr=said)
        self.running.append(process)
        self._service_of[process.pid] = service
        return process

    def of(self, service: str) -> list[subprocess.Popen[bytes]]:
        """The living processes of a service, oldest first."""
        return [
            process
            for process in self.running
            if self._service_of[process.pid] == service and process.poll() is None
        ]

    def service_of(self, process: subprocess.Popen[bytes]) -> str:
        return self._service_of[process.pid]

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End it as a crash would; return when it is gone."""
        process.send_signal(signal.SIGKILL)
        process.wait()

    def start_redis(self) -> None:
        """Start Redis again, which was killed or stopped, on what is on its disk."""
        self._launch()

    def restart_redis(self) -> None:
        """Crash Redis, and start it again."""
        self.crash_redis()
        self._launch()

    def wait_until_ready(self, seconds: float = READY_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            assert time.monotonic() < deadline, f"the installation is not ready: {self.said()}"
            time.sleep(0.05)  # the poller while the services start

    def is_ready(self) -> bool:
        """Whether every process that was not killed has reported that it is alive."""
        if self.of("api") and not self.answers("/readyz"):
            return False
        if self.of("mcp") and not self.answers("/readyz", self.mcp.removesuffix("/mcp")):
            return False
        silent = {process.pid for service in ("scheduler", "worker") for process in self.of(service)}
        with SyncRedis.from_url(self.server.url, decode_responses=True) as redis:
            live = {int(member.rpartition(":")[2]) for member in redis.zrange(keyspace.live(), 0, -1)}
        return silent <= live

    def answers(self, path: str, base: str = "") -> bool:
        """Whether the API (or what is at `base`) answers 200 there."""
        try:
            return httpx.get(f"{base or self.api}{path}", trust_env=False, timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def __enter__(self) -> "FaultInstallation":
        try:
            for service in self._options.services:
                self.start(service)
            self.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
        super().__exit__(*_)
        if self._options.is_proxied:
            self.proxy.__exit__(None, None, None)

    def _launch(self) -> None:
        chosen = self._options.server
        self.server = embedded.start(self.folder / "redis", server=os.fspath(chosen) if chosen else None)
