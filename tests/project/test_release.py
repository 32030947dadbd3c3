"""A release in a repository of its own: all or nothing, and nothing is left that says the version before."""

import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from scripts.release import CHANGELOG, PLACES, Refused, release
from shared.version import VERSION

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 12, 24)
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
NEXT = "9.10.0"
MEASURED = "docs/benchmarks.md"
"""Says which version was measured, whatever came later."""


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in (CHANGELOG, *PLACES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / CHANGELOG).write_text("# Changelog\n\n## Unreleased\n\n### Added\n\n- This.\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "config", "user.name", "A tester")
    git(tmp_path, "config", "user.email", "tester@example.com")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "Begin")
    return tmp_path


def test_it_is_one_commit_with_a_tag_in_a_clean_tree(repository: Path) -> None:
    tag = release(repository, NEXT, TODAY)

    assert tag == f"v{NEXT}"
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "log", "--format=%s").splitlines() == [f"Release {NEXT}", "Begin"]
    assert git(repository, "describe", "--exact-match") == tag


def test_every_place_says_the_new_version_and_none_the_old(repository: Path) -> None:
    release(repository, NEXT, TODAY)

    texts = {name: (repository / name).read_text() for name in PLACES}
    assert [name for name, text in texts.items() if VERSION in text] == []
    assert [name for name, text in texts.items() if NEXT not in text] == []


def test_what_was_unreleased_has_a_heading_with_its_date(repository: Path) -> None:
    release(repository, NEXT, TODAY)

    said = (repository / CHANGELOG).read_text()
    assert said == f"# Changelog\n\n## Unreleased\n\n## {NEXT} - 2026-12-24\n\n### Added\n\n- This.\n"
    with pytest.raises(Refused, match="nothing under Unreleased"):
        release(repository, "9.11.0", TODAY)


@pytest.mark.parametrize("version", ["", "next", "1.0", "v1.0.0", "1.0.0rc1", VERSION, "0.0.9"])
def test_what_is_no_newer_version_changes_nothing(repository: Path, version: str) -> None:
    with pytest.raises(Refused, match=r"no version|not newer"):
        release(repository, version, TODAY)

    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "tag", "--list") == ""


def test_a_tree_with_changes_is_left_as_it_is(repository: Path) -> None:
    (repository / "new.txt").write_text("not committed")

    with pytest.raises(Refused, match="not clean"):
        release(repository, NEXT, TODAY)

    assert git(repository, "log", "--format=%s") == "Begin"
    assert VERSION in (repository / "pyproject.toml").read_text()


def test_a_version_that_was_tagged_is_not_released_again(repository: Path) -> None:
    git(repository, "tag", f"v{NEXT}")

    with pytest.raises(Refused, match="already"):
        release(repository, NEXT, TODAY)

    assert git(repository, "status", "--porcelain") == ""


def test_a_place_that_says_something_else_stops_it_before_anything_is_written(repository: Path) -> None:
    (repository / "docs" / "deploy.md").write_text("recuro:latest\n")
    git(repository, "commit", "--quiet", "--all", "--message", "Break")

    with pytest.raises(Refused, match=r"docs/deploy\.md does not say"):
        release(repository, NEXT, TODAY)

    assert git(repository, "status", "--porcelain") == ""


def test_nothing_else_in_the_repository_names_the_version() -> None:
    tops = [ROOT / name for name in ("clients", "deploy", "docs", "services", "shared", "scripts", "tests")]
    files = [file for top in tops for file in top.rglob("*.*") if file.is_file() and file.suffix != ".pyc"]
    ways = (f"recuro:{VERSION}", f"newTag: {VERSION}", f"Recuro {VERSION}", f'"{VERSION}"')

    naming = {
        file.relative_to(ROOT).as_posix()
        for file in [*files, *ROOT.glob("*.md"), ROOT / "pyproject.toml", DOCKERFILE]
        if any(way in file.read_text(errors="replace") for way in ways)
    }
    assert naming - {MEASURED} == {*PLACES}
