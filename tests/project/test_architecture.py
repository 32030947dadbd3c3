"""The shape of the installation, checked."""

import ast
import itertools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for top in ("services", "shared") for path in (ROOT / top).rglob("*.py"))
SCRIPTS = sorted((ROOT / "shared" / "store" / "lua").rglob("*.lua"))
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_stays_readable(path: Path) -> None:
    source = path.read_text()
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]

    assert path.stem not in VAGUE
    assert len(source.splitlines()) <= 300
    assert not source or ast.get_docstring(tree), "a module says what it is for"
    for function in functions:
        assert (function.end_lineno or 0) - function.lineno < 40, function.name


WALL_CLOCK = re.compile(r"\b(clock\.now|time\.time|datetime\.now|datetime\.utcnow|redis\.time)\(")
BY_THE_HOST = {
    "shared/clock.py": "names it",
    "shared/runtime/lines.py": "when a line of the log is told, as structlog does for all others",
    "shared/actions/warnings.py": "advice, while Redis is away",
    "shared/schedule/zones.py": "which offset a zone has this year, in a sentence",
    "shared/actions/pings.py": "when a ping came, as it is shown",
    "services/scheduler/watch.py": "the witness against a clock of Redis that jumps",
    "services/worker/clock.py": "until Redis was asked",
    "services/worker/http/permit.py": "of whoever sends without a clock of its own",
    "services/cli/verify.py": "of a signature that somebody else made",
}
"""All that may read the clock of its own host; what Lua compares goes by `shared.store.moments` or a script's answer."""


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_nothing_else_reads_the_clock_of_its_host(path: Path) -> None:
    reads = WALL_CLOCK.findall(path.read_text())

    assert not reads or named(path) in BY_THE_HOST, (
        "take it from shared.store.moments or from a script's answer"
    )


GIVEN = re.compile(r"\bgiven\.|\bnext_(?:row|values)\(|\bgiven_list\(")


@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_a_script_says_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    lines = itertools.dropwhile(lambda line: line.startswith("#!"), text.splitlines())
    header = list(itertools.takewhile(lambda line: line.startswith("--"), lines))

    assert header, "opens with a comment"
    if "lib" not in path.relative_to(ROOT).parts:
        assert any(line.startswith("-- Given ") for line in header) == bool(GIVEN.search(text))
        assert any("Returns" in line for line in header)
        assert "cjson" not in text, "Lua never decodes a payload"


def test_the_sdk_is_not_shadowed_by_our_own_mcp_service() -> None:
    import mcp

    assert "site-packages" in (mcp.__file__ or "")


def test_every_key_that_a_script_makes_stands_in_the_table() -> None:
    from shared.store import account_keys, keyspace

    table = f"{keyspace.__doc__}{account_keys.__doc__}"
    starts = set()
    for path in SCRIPTS:
        starts |= set(re.findall(r"P \.\. '([a-z_]+)", path.read_text()))

    assert {"j", "b", "r", "q", "turns", "bell"} <= starts | {"j"}
    assert [start for start in sorted(starts) if not re.search(rf"^{start}\b", table, re.M)] == []


def test_the_names_of_all_setting_variables_stand_in_the_readme() -> None:
    from shared.settings import Settings

    readme = (ROOT / "README.md").read_text()

    assert [name for name in Settings.model_fields if f"`RECURO_{name.upper()}`" not in readme] == []
