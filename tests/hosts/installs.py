"""The bridges as they are installed: from wheels, sdists and packed tarballs, in fresh places, each with a whole talk."""

import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.hosts.places import ROOT, UV, UV_ENVIRONMENT, said
from tests.hosts.stage import HERE, Stage

MOST_CPU_SECONDS = 0.5
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "x", "version": "1"},
    },
}


def installs(stage: Stage) -> None:
    with tempfile.TemporaryDirectory(prefix="recuro-hosts-") as name:
        folder = Path(name)
        for what, command in (
            ("pip, from a wheel", _by_pip(folder)),
            ("pip, from an sdist", _by_sdist(folder)),
            ("uvx", [str(UV.parent / "uvx"), "--quiet", "--from", str(ROOT / "clients/mcp"), "recuro-mcp"]),
            ("npx", _by_npx(folder)),
        ):
            token = stage.token()
            part = {
                "sdk": 1,
                "era": "legacy",
                "command": command,
                "env": {**UV_ENVIRONMENT, **stage.env(token)},
            }
            stage.play(f"installed by {what}", ["node", str(HERE / "play.mjs")], part)
            stage.note(f"started by {what}", _slow(command, what not in ("uvx", "npx")))


def _by_pip(folder: Path) -> list[str]:
    said([sys.executable, "-m", "venv", str(folder / "pip")])
    said([str(folder / "pip/bin/pip"), "install", "--quiet", str(ROOT / "clients/mcp")])
    return [str(folder / "pip/bin/recuro-mcp")]


def _by_sdist(folder: Path) -> list[str]:
    said([str(UV), "build", "--quiet", "--sdist", str(ROOT / "clients/mcp"), "--out-dir", str(folder)])
    (sdist,) = folder.glob("recuro_mcp-*.tar.gz")
    said([str(UV), "venv", "--quiet", "--python", sys.executable, str(folder / "sdist")])
    python = folder / "sdist/bin/python"
    said([str(UV), "pip", "install", "--quiet", "--python", str(python), str(sdist)])
    return [str(python), "-m", "recuro_mcp"]


def _by_npx(folder: Path) -> list[str]:
    # A copy, as the hook of `npm pack` writes beside what it packs.
    shutil.copytree(ROOT / "clients", folder / "clients")
    tarball = said(["npm", "pack", "--silent"], folder / "clients/npm").split()[-1]
    return ["npx", "-y", "--package", str(folder / "clients/npm" / tarball), "recuro-mcp"]


def _slow(command: list[str], is_ours: bool) -> list[str]:
    """What is wrong with its start; of uvx and npx only that it does, as the time is theirs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run(
        command, input=json.dumps(HELLO) + "\n", capture_output=True, text=True, timeout=120, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"  {spent:.2f} s of CPU to the first answer and the end")
    if not re.match(r'{"jsonrpc":"2.0","id":1,"result"', out.stdout):
        return [f"said {out.stdout[:200]!r} {out.stderr[-500:]!r}"]
    return [f"{spent:.2f} s of CPU"] if is_ours and spent > MOST_CPU_SECONDS else []
