"""Claude Code and Gemini CLI: their own commands add the gateway and the bridges, and say whether they connect."""

import os
import tempfile
from pathlib import Path

from tests.hosts.places import said
from tests.hosts.stage import Stage, wrapper
from tests.mcp.clients import BRIDGES

SILENT = {"DISABLE_TELEMETRY": "1", "DISABLE_AUTOUPDATER": "1", "GEMINI_CLI_TRUST_WORKSPACE": "true"}


def commands(stage: Stage) -> None:
    for client, program, scope in (("claude", "claude", "local"), ("gemini", "gemini", "user")):
        installed = str(stage.places.node(client) / "node_modules/.bin" / program)
        with tempfile.TemporaryDirectory(prefix="recuro-hosts-home-") as home:
            try:
                problems = _connected(stage, [installed, "mcp"], scope, Path(home))
            except RuntimeError as error:
                problems = [str(error)]
            stage.note(f"{client} mcp list", problems)


def _connected(stage: Stage, program: list[str], scope: str, home: Path) -> list[str]:
    """What does not connect; nothing of it needs an account."""
    token = stage.token()
    env = {"PATH": os.environ["PATH"], "HOME": str(home), **SILENT}
    add = [*program, "add", "--scope", scope]
    header = f"Authorization: Bearer {token}"
    said([*add, "--transport", "http", "recuro-http", stage.url, "--header", header], home, env, 120)
    variables = [f"{key}={value}" for key, value in stage.env(token).items() if key != "PATH"]
    given = [part for variable in variables for part in ("-e", variable)]
    for name in BRIDGES:
        bridge = wrapper(home, name)
        rest = [*given, "--", bridge] if "claude" in program[0] else [bridge, *given]
        said([*add, f"recuro-{name}", *rest], home, env, 120)
    # Gemini CLI lists on its error output.
    listed = said(["sh", "-c", 'exec "$@" 2>&1', "sh", *program, "list"], home, env, 180)
    names = ["recuro-http", *(f"recuro-{name}" for name in BRIDGES)]
    lines = {name: [line for line in listed.splitlines() if name in line] for name in names}
    return [
        f"{name}: {lines[name]}" for name in names if not any("Connected" in line for line in lines[name])
    ]
