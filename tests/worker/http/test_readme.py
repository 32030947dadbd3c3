"""The client's README: its example runs, its bounds are those of the code, its standards those that the code names."""

import re
from importlib import import_module
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest

from services.worker.http.client import Sender
from services.worker.http.outgoing import Outgoing
from shared.security.addresses import Policy
from tests.conftest import LOOPBACK
from tests.docs.pages import tables
from tests.target import Target

HTTP = Path(__file__).parents[3] / "services" / "worker" / "http"
README = HTTP / "README.md"
BOUNDS, STANDARDS = tables("../services/worker/http/README.md")
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20}


def files_of(cell: str) -> list[str]:
    return re.findall(r"\]\(([^)]+)\)", cell)


def figures(cell: str) -> set[float]:
    return {float(number) * UNITS.get(unit, 1) for number, unit in re.findall(r"([\d.]+)(?: (\w+))?", cell)}


def names_and_files(cell: str) -> list[tuple[str, str]]:
    """`A` and `B` of [x.py](x.py)`: each name with the file that comes after it."""
    found, names = [], list[str]()
    for name, file in re.findall(r"`(\w+)`|\]\(([^)]+)\)", cell):
        if name:
            names.append(name)
        else:
            found += [(one, file) for one in names]
            names = []
    return found


@pytest.mark.parametrize("row", BOUNDS.rows, ids=lambda row: row["What"])
def test_a_bound_is_that_of_the_code(row: dict[str, str]) -> None:
    values = {
        float(getattr(import_module(f"services.worker.http.{file[:-3].replace('/', '.')}"), name))
        for name, file in names_and_files(row["Where"])
    }

    assert values
    assert values <= figures(row["Bound"])


def test_standards_that_the_code_names_are_listed_with_their_files() -> None:
    named = {
        (standard, file.relative_to(HTTP).as_posix())
        for file in HTTP.rglob("*.py")
        for standard in re.findall(r"RFC \d+|WHATWG \w+", file.read_text())
    }

    assert named == {(row["Standard"], file) for row in STANDARDS.rows for file in files_of(row["Where"])}


async def test_its_example_runs(target: Target) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
    example = example.replace("https://example.com", target.url).replace("Policy()", "Policy(LOOPBACK)")
    example = example.replace("exchange.failure_reason or", "return exchange.failure_reason or")
    names: dict[str, Any] = {"Sender": Sender, "Outgoing": Outgoing, "Policy": Policy, "LOOPBACK": LOOPBACK}
    exec(f"async def run():\n{indent(example, '    ')}", names)

    assert await names["run"]() == 200
    (received,) = target.received
    assert (received.method, received.body, received.headers["X-Shop"]) == ("POST", b"{}", "42")
