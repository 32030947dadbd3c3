"""What is packed of the bridges: built here without a network; `make hosts` installs them from it."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.hosts import calls
from tests.mcp.clients import CLIENTS
from tests.mcp.test_stdio import INITIALIZE, NOWHERE, started

ROOT = CLIENTS.parent


def wheel(project: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=project, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


def test_the_small_wheel_is_whole_and_wants_no_other(tmp_path: Path) -> None:
    built = wheel(CLIENTS / "mcp", tmp_path)
    with zipfile.ZipFile(built) as packed:
        (metadata,) = (name for name in packed.namelist() if name.endswith("METADATA"))
        text = packed.read(metadata).decode()
        packed.extractall(tmp_path / "site")

    program = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); from recuro_mcp.main import main; main()"
    with started([sys.executable, "-I", "-S", "-c", program], RECURO_MCP_URL=NOWHERE) as process:
        out, _ = process.communicate(json.dumps(INITIALIZE) + "\n", timeout=120)
    assert json.loads(out)["result"]["serverInfo"]["name"] == "recuro"
    assert "Requires-Dist" not in text


def test_the_wheel_of_the_server_has_the_bridge_and_its_command(tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel(ROOT, tmp_path)) as packed:
        names = packed.namelist()
        (entries,) = (name for name in names if name.endswith("entry_points.txt"))

        assert "recuro_mcp/own.json" in names
        assert "recuro-mcp = recuro_mcp.main:main" in packed.read(entries).decode()


def test_the_package_of_npm_names_every_file_that_it_needs() -> None:
    package = json.loads((CLIENTS / "npm/package.json").read_text())

    modules = {path.name for path in (CLIENTS / "npm").glob("*.mjs")}
    assert {*package["files"]} == modules | {"own.json"}
    assert "dependencies" not in package


@pytest.mark.parametrize("is_good", [True, False])
def test_every_tool_has_a_good_and_a_bad_call_in_the_script_of_outside_clients(is_good: bool) -> None:
    own = json.loads((CLIENTS / "mcp/recuro_mcp/own.json").read_text())
    tools = [tool["name"] for tool in own["tools/list"]["tools"]]

    assert {call.tool for call in calls.CALLS if bool(call.says) != is_good} == {*tools}
    assert calls.untried(tools) == []
