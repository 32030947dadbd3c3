"""The peers' own environments below `.venv/peers`: made from `peers/<name>.txt` once, and again when it changes."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PEERS = Path(__file__).parent / "peers"
ENVIRONMENTS = Path(sys.prefix) / "peers"
UV = Path(sys.prefix) / "uv" / "bin" / "uv"
STAMP = "installed.txt"

Command = Sequence[str | Path]


def python_of(peer: str, pinned: Path | None = None) -> Path | None:
    """The interpreter of the peer's environment, which is installed if need be; nothing if it cannot be."""
    pinned = pinned or PEERS / f"{peer}.txt"
    environment, pins = ENVIRONMENTS / peer, pinned.read_text()
    stamp, python = environment / STAMP, environment / "bin" / "python"
    if stamp.exists() and stamp.read_text() == pins:
        return python
    for make, install in _ways(environment, python):
        if _done([*make]) and _done([*install, "--quiet", "-r", pinned]):
            stamp.write_text(pins)
            return python
    return None


def version_of(peer: str) -> str:
    """As pinned."""
    found = re.search(rf"(?m)^{re.escape(peer)}==(\S+)$", (PEERS / f"{peer}.txt").read_text())
    return found[1] if found else "?"


def _ways(environment: Path, python: Path) -> list[tuple[Command, Command]]:
    """uv if `make dev` brought it, else the pip that made our own environment."""
    outer: str = getattr(sys, "_base_executable", sys.executable)
    with_uv: tuple[Command, Command] = (
        [UV, "venv", "--quiet", "--allow-existing", "--python", sys.executable, environment],
        [UV, "pip", "install", "--python", python],
    )
    with_pip: tuple[Command, Command] = (
        [sys.executable, "-m", "venv", "--without-pip", environment],
        [outer, "-m", "pip", "--python", python, "install"],
    )
    return [with_uv, with_pip] if UV.exists() else [with_pip]


def _done(command: Command) -> bool:
    environment = {"UV_SYSTEM_CERTS": "true", **os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    return subprocess.run(command, env=environment, check=False).returncode == 0
