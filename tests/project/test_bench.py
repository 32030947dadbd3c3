"""`make bench` takes nothing that it does not know, and a partial run leaves the pages of docs/ alone."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.api.table import OPERATIONS
from tests.bench import contenders, pages, street
from tests.bench.api import asked

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


@pytest.fixture(autouse=True)
def _docs_stay_as_they_are() -> Iterator[None]:
    before = {page: page.read_text() for page in DOCS.glob("benchmarks*.md")}
    yield
    assert {page: page.read_text() for page in DOCS.glob("benchmarks*.md")} == before


@pytest.mark.parametrize(
    ("module", "given", "said"),
    [
        (
            "tests.bench",
            ("--only", "nonsense", "arq"),
            "--only does not know nonsense; it takes 'Recuro', 'floor'",
        ),
        ("tests.bench", ("nonsense",), "unrecognized arguments: nonsense"),
        ("tests.bench", ("--rounds", "0"), "argument --rounds: must be a whole number from 1 on, got 0"),
        ("tests.bench", ("--jobs", "many"), "argument --jobs: must be a whole number from 1 on, got many"),
        ("tests.bench.street", ("--only", "arq"), "unrecognized arguments: --only arq"),
        (
            "tests.bench.boundary",
            ("--crons", "-1"),
            "argument --crons: must be a whole number from 1 on, got -1",
        ),
    ],
)
def test_what_the_bench_does_not_know_is_refused_in_a_sentence(
    module: str, given: tuple[str, ...], said: str
) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", module, *given],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_partial_run_prints_its_page_and_writes_none(capsys: pytest.CaptureFixture[str]) -> None:
    street.main(["--rounds", "1", "--seconds", "0.01"])

    said = capsys.readouterr()
    assert said.out.startswith("# Benchmarks of the way to the street")
    assert "benchmarks-http.md stays as it is: --rounds 1 is fewer than 5; --seconds 0.01 is" in said.err


@pytest.mark.parametrize(("missing", "is_written"), [([], True), (["arq could not be installed"], False)])
def test_a_page_is_replaced_by_a_full_run_only(tmp_path: Path, missing: list[str], is_written: bool) -> None:
    page, asked_for = tmp_path / "page.md", tmp_path / "asked.md"
    page.write_text("before")

    pages.put("after", page, None, missing)
    pages.put("after", page, asked_for, missing)

    assert page.read_text() == ("after" if is_written else "before")
    assert asked_for.read_text() == "after"


@pytest.mark.parametrize(("given", "runs"), [("", 3), ("--large", 3), ("--only floor", 1), ("--rounds 1", 1)])
def test_a_partial_run_measures_nothing_else(given: str, runs: int) -> None:
    command = ["make", "--dry-run", "--old-file=.venv/.dev.ok", "bench", f"ARGS={given}"]
    planned = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    ).stdout

    assert planned.count("-m tests.bench") == runs


def test_every_contender_has_one_name() -> None:
    names = contenders.names()

    assert len(names) == len(set(names)) >= 9


def test_every_read_of_the_api_is_measured() -> None:
    asked_for = [path.partition("?")[0] for _, path in asked.READS]
    reads = [one.path for one in OPERATIONS if one.method == "GET"]
    patterns = {path: re.compile(re.sub(r"\{\w+\}", r"(\\d+|\\{\\w+\\})", path)) for path in reads}

    assert [path for path in reads if not any(map(patterns[path].fullmatch, asked_for))] == []
