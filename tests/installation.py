"""The whole installation as real processes on a Redis of their own, for tests that walk through every door."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import httpx
from redis import Redis as SyncRedis

from services.cli import embedded
from services.cli.leash import leashed
from shared.settings import Settings
from shared.store import keyspace
from tests.warm import starts

TOKEN = "rc_the-token-of-the-whole-installation-tests"
RECURO = Path(sys.executable).parent / "recuro"


PORTS = range(10_240, 32_768)
"""Below those that Linux gives to clients, so that no connection takes one that was found free."""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on; chosen at random, for other tests look for one, too."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Installation:
    """`with Installation(folder) as installation:` runs an API, a scheduler, a worker and an MCP gateway."""

    def __init__(
        self,
        folder: Path,
        *,
        concurrency: int = 64,
        grace_seconds: int = 20,
        environment: Mapping[str, str] | None = None,
        own: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """`environment` is told to all processes, `own` to those of one service."""
        self.folder = folder
        self.api_port, self.mcp_port = free_port(), free_port()
        self.api = f"http://127.0.0.1:{self.api_port}"
        self.mcp = f"http://127.0.0.1:{self.mcp_port}/mcp"
        self.server = embedded.start(folder / "redis")
        self.environment = {
            **os.environ,
            "RECURO_REDIS_URL": self.server.url,
            "RECURO_API_PORT": str(self.api_port),
            "RECURO_MCP_PORT": str(self.mcp_port),
            "RECURO_BOOTSTRAP_TOKEN": TOKEN,
            "RECURO_EGRESS_ALLOW": "127.0.0.0/8",
            "RECURO_WORKER_CONCURRENCY": str(concurrency),
            "RECURO_WORKER_GRACE_SECONDS": str(grace_seconds),
            "RECURO_LOG_FORMAT": "json",
            **(environment or {}),
        }
        self.own = own or {}
        self.running: list[subprocess.Popen[bytes]] = []
        self._service_of: dict[int, str] = {}
        self.client = httpx.Client(
            base_url=self.api, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False, timeout=30
        )

    @property
    def settings(self) -> Settings:
        return Settings(redis_url=self.server.url)

    def start(self, service: str) -> subprocess.Popen[bytes]:
        """Start one more process of a service; what it says goes to a file of its own."""
        number = len(self.of(service))
        with (self.folder / f"{service}-{number}.log").open("wb") as said:
            parts = ("services.cli.main", f"services.{service}.main")
            program = starts.command([str(RECURO)], ("recuro", service), "services.cli.main:main", *parts)
            process = subprocess.Popen(
                leashed([*program, service], death_signal=signal.SIGKILL),
                env={**self.environment, **self.own.get(service, {})},
                stdout=said,
                stderr=said,
            )
        self.running.append(process)
        self._service_of[process.pid] = service
        return process

    def of(self, service: str) -> list[subprocess.Popen[bytes]]:
        """The processes of a service, oldest first, those that ended among them."""
        return [process for process in self.running if self._service_of[process.pid] == service]

    def crash_redis(self) -> None:
        """End Redis by SIGKILL, with all that it acknowledged handed to the system, as on a disk that keeps up.

        While an fsync runs, `appendfsync everysec` holds writes back for up to 2 s and acknowledges them all the same.
        """
        with SyncRedis.from_url(self.server.url, socket_timeout=10) as redis:
            redis.config_set("appendfsync", "always")  # from here on it answers after it wrote
        self.server.kill()

    def restart_redis(self) -> None:
        """End Redis as a crash would, and start it again on the same data."""
        self.crash_redis()
        self.server = embedded.start(self.folder / "redis")

    def wait_until_ready(self, seconds: float = 180.0) -> None:
        deadline = time.monotonic() + seconds
        for url in (f"{self.api}/readyz", f"http://127.0.0.1:{self.mcp_port}/readyz"):
            while not _answers(url):
                assert time.monotonic() < deadline, f"{url} is not ready: {self.said()}"
                time.sleep(0.05)  # the poller of an installation that is not up yet

        with SyncRedis.from_url(self.server.url, decode_responses=True) as redis:
            while not {"scheduler", "worker"} <= {
                who.split(":")[0] for who in redis.zrange(keyspace.live(), 0, -1)
            }:
                assert time.monotonic() < deadline, f"the scheduler or worker is not ready: {self.said()}"
                time.sleep(0.05)  # the same poller

    def said(self) -> str:
        """The last of what every process wrote."""
        return "\n".join(path.read_text()[-1500:] for path in sorted(self.folder.glob("*.log")))

    def __enter__(self) -> "Installation":
        for service in ("api", "scheduler", "worker", "mcp"):
            self.start(service)
        try:
            self.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.client.close()
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
        for process in self.running:
            process.wait()
        self.server.stop()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
