"""What `make hosts` installs, each in a folder of its own below the cache, and once."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).parents[1] / "uv" / "bin" / "uv"
UV_ENVIRONMENT = {"UV_SYSTEM_CERTS": "true", **os.environ, "UV_PYTHON_DOWNLOADS": "never"}
PYTHON = {
    "sdk1": ("mcp==1.30.0",),
    "sdk2": ("mcp==2.3.0",),
    "fastmcp": ("fastmcp==4.2.3",),
    "proxy": ("mcp-proxy==0.13.0",),
    "types": ("google-genai==3.6.1", "openai==3.57.0", "anthropic==2.14.0"),
}
NODE = {
    "js": ("@modelcontextprotocol/sdk@1.32.2", "@modelcontextprotocol/client@2.4.0", "mcp-remote@0.15.1"),
    "js22": (
        "@modelcontextprotocol/inspector@2.12.0",
        "@modelcontextprotocol/conformance@0.2.0-alpha.12",
        "node@22",
    ),
    "claude": ("@anthropic-ai/claude-code@2.1.197",),
    "gemini": ("@google/gemini-cli@0.61.0",),
}
STAMP = "installed"


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of all that is installed."""

    cache: Path

    def python(self, name: str) -> Path:
        """The interpreter of an environment, which is made if it is new."""
        folder = self.cache / f"py-{name}"
        if not _is_there(folder, PYTHON[name]):
            said([str(UV), "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder)])
            python = str(folder / "bin" / "python")
            said([str(UV), "pip", "install", "--quiet", "--python", python, *PYTHON[name]])
            _stamp(folder, PYTHON[name])
        return folder / "bin" / "python"

    def node(self, name: str) -> Path:
        """A folder with packages of npm."""
        folder = self.cache / name
        if not _is_there(folder, NODE[name]):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "package.json").write_text('{"type": "module", "private": true}')
            said(["nice", "npm", "install", "--silent", "--no-audit", "--no-fund", *NODE[name]], folder)
            _stamp(folder, NODE[name])
        return folder


def said(
    command: Sequence[str],
    folder: Path | None = None,
    env: Mapping[str, str] | None = None,
    seconds: float = 900,
) -> str:
    """What a command printed; raises RuntimeError with all of it if it failed."""
    ended = subprocess.run(
        command,
        cwd=folder,
        env={**UV_ENVIRONMENT, **(env or {})},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if ended.returncode:
        shown = " ".join(part[:200] for part in command)
        raise RuntimeError(f"{shown}\n{ended.stdout[-2000:]}{ended.stderr[-2000:]}")
    return ended.stdout


def _is_there(folder: Path, packages: Sequence[str]) -> bool:
    stamp = folder / STAMP
    return stamp.exists() and stamp.read_text() == "\n".join(packages)


def _stamp(folder: Path, packages: Sequence[str]) -> None:
    (folder / STAMP).write_text("\n".join(packages))
