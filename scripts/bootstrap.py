"""Make the virtual environment from hash-locked files: `python bootstrap.py VENV LOCK…`.

Needs Python 3.11 or newer and its pip; neither root, nor the venv module, nor an installed uv. uv makes the
environment in a second; where it cannot (no program for this machine, or a mirror that only pip knows), pip
does the same.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

UV_LOCK = "requirements-uv.lock"
HASHED = ("--quiet", "--only-binary", ":all:", "--require-hashes")
ENVIRONMENT = {
    "UV_SYSTEM_CERTS": "true",  # trust what this machine trusts, as pip does
    **os.environ,
    "UV_PYTHON_DOWNLOADS": "never",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
}
Command = Sequence[str | Path]


def main() -> None:
    """Install the locks and this project, and say how long it took."""
    if sys.version_info < (3, 11):  # noqa: UP036 - nothing has asked before this line
        sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: make PYTHON=python3.12")
    venv, locks = Path(sys.argv[1]).absolute(), sys.argv[2:]
    started = time.monotonic()
    for name, install in (("uv", _with_uv), ("pip", _with_pip)):
        if install(venv, locks):
            print(
                f"{venv.name}: {', '.join(locks)} installed in {time.monotonic() - started:.1f} s with {name}"
            )
            return
    sys.exit("the packages could not be installed, see above")


def _with_uv(venv: Path, locks: Sequence[str]) -> bool:
    uv = _uv(venv)
    if uv is None:
        return False
    python = venv / "bin" / "python"
    made = python.exists() or _done(
        [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, venv]
    )
    return made and _installed([uv, "pip", "install", "--python", python], locks)


def _uv(venv: Path) -> Path | None:
    """The uv of our lock, put into the environment's folder by pip when it is not there yet."""
    tools = venv / "uv"
    uv = tools / "bin" / "uv"
    if uv.exists():
        return uv
    # --target also works where the system's Python is marked as managed by the distribution.
    pip: Command = [sys.executable, "-m", "pip", "install", "--target", tools, "--no-deps"]
    return uv if _done([*pip, *HASHED, "-r", UV_LOCK]) and uv.exists() else None


def _with_pip(venv: Path, locks: Sequence[str]) -> bool:
    python = venv / "bin" / "python"
    # Debian has the venv module but not the ensurepip that it wants: the pip that runs us serves instead.
    made = python.exists() or _done([sys.executable, "-m", "venv", "--without-pip", venv])
    return made and _installed([sys.executable, "-m", "pip", "--python", python, "install"], locks)


def _installed(install: Command, locks: Sequence[str]) -> bool:
    requirements = [part for lock in locks for part in ("-r", lock)]
    project = [*install, "--quiet", "--no-deps", "--no-build-isolation", "--editable", "."]
    return _done([*install, *HASHED, *requirements]) and _done(project)


def _done(command: Command) -> bool:
    return subprocess.run(command, env=ENVIRONMENT, check=False).returncode == 0


if __name__ == "__main__":
    main()
