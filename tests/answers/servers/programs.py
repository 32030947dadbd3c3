"""Real servers: how each is started, and how it is got where it is missing."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from services.cli.leash import leashed
from tests.answers.servers import app, configs
from tests.bench import environments
from tests.installation import free_port

HERE = Path(__file__).parent
MODULES = environments.ENVIRONMENTS / "node"
IDLE_SECONDS = 2
READY_SECONDS = 20.0
ENDING_SECONDS = 3.0
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"

Command = Sequence[str | Path]


@dataclass(frozen=True, slots=True)
class Program:
    """A server: its command, with places for ports and folders, and the packages of Debian that bring it."""

    name: str
    command: str
    config: str = ""
    packages: str = ""


# fmt: off
PROGRAMS = (
    Program("nginx", "nginx -p {folder} -c {config}", configs.NGINX, "nginx-light"),
    Program("apache", "apache2 -DFOREGROUND -f {config}", configs.APACHE, "apache2"),
    Program("lighttpd", "lighttpd -D -f {config}", configs.LIGHTTPD, "lighttpd lighttpd-mod-deflate"),
    Program("haproxy", "haproxy -db -f {config}", configs.HAPROXY, "haproxy"),
    Program("caddy", "caddy run --adapter caddyfile --config {config}", configs.CADDY, "caddy"),
    Program("php -S", "php -S 127.0.0.1:{port} {here}/index.php", packages="php-cli"),
    Program("puma", "puma -q -C {config}", configs.PUMA, "puma"),
    Program("node http", "node {here}/app.mjs node {port} {idle}000 {modules}"),
    Program("express", "node {here}/app.mjs express {port} {idle}000 {modules}"),
    Program("fastify", "node {here}/app.mjs fastify {port} {idle}000 {modules}"),
    Program("uvicorn, httptools", "{python} -m uvicorn app:asgi --port {port} --http httptools --timeout-keep-alive {idle}"),
    Program("uvicorn, h11", "{python} -m uvicorn app:asgi --port {port} --http h11 --timeout-keep-alive {idle}"),
    Program("hypercorn", "{python} -m hypercorn app:asgi -b 127.0.0.1:{port} --keep-alive {idle}"),
    Program("gunicorn", "{python} -m gunicorn app:wsgi -b 127.0.0.1:{port}"),
    Program("gunicorn, threads", "{python} -m gunicorn app:wsgi -b 127.0.0.1:{port} -k gthread --threads 8 --keep-alive {idle}"),
    Program("JDK", "java {here}/Served.java {port}"),
)
# fmt: on
APPLICATION = Program("application", "{python} -m uvicorn app:asgi --port {port} --timeout-keep-alive 300")


def install() -> None:
    """Get from Debian (as root), npm and PyPI what is not here; what cannot be got is left out later."""
    missing = [
        one for one in PROGRAMS if one.packages and not shutil.which(one.command.split()[0], path=PATH)
    ]
    if missing and os.geteuid() == 0:
        packages = " ".join(one.packages for one in missing).split()
        quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}  # 1: start no services
        for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
            subprocess.run(["apt-get", "-qq", *command], env=quietly, check=False, stdout=subprocess.DEVNULL)
    if not (MODULES / "node_modules").exists():
        MODULES.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "package.json", MODULES)
        npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(npm, cwd=MODULES, check=False)
    environments.python_of("servers", HERE / "servers.txt")


@contextmanager
def running(
    program: Program, folder: Path, behind: int = 0, idle: int = IDLE_SECONDS
) -> Iterator[int | None]:
    """Yield the port it serves, or nothing if it is not on this machine; it is ended at the end.

    What is sent to its /note is kept in the file `notes_of` names.
    """
    own, port = _folder_of(program, folder), free_port()
    command = _command(program, own, port, behind, idle)
    if command is None:
        yield None
        return
    environment = {**os.environ, "HOME": str(own), "PYTHONPATH": str(HERE), "PHP_CLI_SERVER_WORKERS": "8"}
    environment["NOTES"] = str(notes_of(program, folder))
    with (own / "said.log").open("wb") as said:
        argv = leashed(command, death_signal=signal.SIGTERM)
        process = subprocess.Popen(
            argv, cwd=own, env=environment, stdout=said, stderr=said, start_new_session=True
        )
    try:
        _await(process, port, own)
        yield port
    finally:
        _end(process)


def notes_of(program: Program, folder: Path) -> Path:
    """A line for each request to /note: its Idempotency-Key, a blank, and its body."""
    return _folder_of(program, folder) / "notes"


def _folder_of(program: Program, folder: Path) -> Path:
    return folder / program.name.replace(" ", "-").replace(",", "")


def _command(program: Program, own: Path, port: int, behind: int, idle: int) -> list[str] | None:
    (own / "www").mkdir(parents=True)
    (own / "www" / "page.txt").write_bytes(app.TEXT)
    for folder in (own, own / "www"):
        folder.chmod(0o755)  # some servers read it as another user
    config = own / "config"
    places: Mapping[str, object] = {
        "folder": own,
        "config": config,
        "here": HERE,
        "port": port,
        "behind": behind,
        "idle": idle,
        "modules": MODULES,
        "python": environments.ENVIRONMENTS / "servers" / "bin" / "python",
    }
    config.write_text(program.config.format(**places))
    name, *arguments = program.command.format(**places).split()
    found = shutil.which(name, path=PATH)
    return [found, *arguments] if found else None


def _await(process: subprocess.Popen[bytes], port: int, own: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _answers(port):
        said = (own / "said.log").read_text()[-2000:]
        assert process.poll() is None, f"{own.name} has ended: {said}"
        assert time.monotonic() < deadline, f"{own.name} does not answer: {said}"
        time.sleep(0.05)  # the poller of a server that is not up yet


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/page.txt", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """It and what it started, which is a group of its own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(ENDING_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
