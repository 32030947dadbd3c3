"""`python -m tests.generated`: clients that public generators make of docs/openapi.json create and read against the API.

The generators are installed into a folder that goes afterwards; npm has to be there for the one of TypeScript.
"""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.openapi import FROZEN
from services.cli import embedded
from shared.security import tokens
from shared.settings import Settings
from shared.store import connection
from tests.api.serving import serving

HERE = Path(__file__).parent
UV = Path(sys.executable).parents[1] / "uv" / "bin" / "uv"
EXPECTED = ["by a generated client", "generated", ["url"]]
PYTHON_PACKAGES = ("openapi-python-client==0.29.1", "httpx", "attrs", "python-dateutil")
NPM_PACKAGES = ("openapi-typescript@7.13.0", "openapi-fetch@0.17.0", "typescript@5.9.3", "@types/node@20")
Command = list[str]


def main() -> int:
    """1 if a client did not get what it should."""
    failed = []
    with tempfile.TemporaryDirectory(prefix="recuro-generated-") as name:
        folder = Path(name)
        server = embedded.start(folder / "redis")
        settings = Settings(redis_url=server.url, api_port=0)
        try:
            for language, generated in (("python", _python), ("typescript", _typescript)):
                (folder / language).mkdir()
                command = generated(folder / language)
                with serving(settings) as address:
                    said = _said([*command, address, _token(settings, language)], folder / language)
                print(f"{language}: {said}")
                failed += [language] if json.loads(said) != EXPECTED else []
        finally:
            server.stop()
    print(f"failed: {', '.join(failed)}" if failed else "both clients work")
    return 1 if failed else 0


def _python(folder: Path) -> Command:
    python = folder / "venv" / "bin" / "python"
    _said([str(UV), "venv", "--quiet", "--python", sys.executable, str(folder / "venv")], folder)
    _said([str(UV), "pip", "install", "--quiet", "--python", str(python), *PYTHON_PACKAGES], folder)
    generator = [str(python), "-m", "openapi_python_client", "generate", "--meta", "none"]
    _said([*generator, "--path", str(FROZEN), "--output-path", str(folder / "recuro")], folder)
    shutil.copy(HERE / "use.py", folder)
    return [str(python), "use.py"]


def _typescript(folder: Path) -> Command:
    (folder / "package.json").write_text('{"type": "module"}')
    _said(["npm", "install", "--silent", "--no-audit", "--no-fund", *NPM_PACKAGES], folder)
    # Without the last option a field with a default must be given, also in a request.
    generator = ["npx", "openapi-typescript", str(FROZEN), "--default-non-nullable", "false"]
    _said([*generator, "--output", "recuro.d.ts"], folder)
    shutil.copy(HERE / "use.ts", folder)
    compiler = ["npx", "tsc", "--strict", "--target", "es2022", "--module", "nodenext", "--types", "node"]
    _said([*compiler, "use.ts"], folder)
    return ["node", "use.js"]


def _token(settings: Settings, team: str) -> str:
    async def made() -> str:
        async with connection.connect(settings) as redis:
            return await tokens.create(redis, team=team, name="generated", scopes=("write",))

    return asyncio.run(made())


def _said(command: Command, folder: Path) -> str:
    """What a command printed; raises RuntimeError with all of it if it failed."""
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{ended.stdout}{ended.stderr}")
    return ended.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
