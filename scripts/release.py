"""Make a release: `python -m scripts.release VERSION`, which is what `make release VERSION=0.2.0` runs.

It checks first and changes then: the version in every place that names it, the heading of the changelog,
one commit and one tag. Nothing is pushed.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

CHANGELOG = "CHANGELOG.md"
PLACES = {
    "pyproject.toml": ('version = "{}"',),
    "clients/mcp/recuro_mcp/__init__.py": ('VERSION = "{}"',),
    "clients/mcp/recuro_mcp/own.json": ('"version": "{}"',),
    "clients/npm/package.json": ('"version": "{}"',),
    "deploy/Dockerfile": ("recuro:{}",),
    "deploy/compose.yaml": ("recuro:{}",),
    "deploy/kubernetes/kustomization.yaml": ("newTag: {}",),
    "docs/deploy.md": ("recuro:{}", "newTag: {}"),
    "docs/openapi.json": ('"version": "{}"',),
}
"""All that names the version of today, and how."""
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_UNRELEASED = re.compile(r"^## Unreleased\n(.*?)(?=^## |\Z)", re.M | re.S)


class Refused(Exception):
    """Nothing was changed."""


def release(root: Path, version: str, today: date) -> str:
    """Commit and tag it; the name of the tag. Raises Refused if something stands in the way."""
    changed = {root / name: text for name, text in _changed(root, version, today)}
    if said := _git(root, "status", "--porcelain"):
        raise Refused(f"the tree is not clean, commit or stash first:\n{said}")
    tag = f"v{version}"
    if _git(root, "tag", "--list", tag):
        raise Refused(f"there is a tag {tag} already")
    for file, text in changed.items():
        file.write_text(text)
    _git(root, "commit", "--quiet", "--all", "--message", f"Release {version}")
    _git(root, "tag", "--annotate", tag, "--message", f"Recuro {version}")
    return tag


def _changed(root: Path, version: str, today: date) -> Iterator[tuple[str, str]]:
    """Each file that names the version, as it is to be."""
    before = _version_of(root)
    if _number(version) <= _number(before):
        raise Refused(f"{version} is not newer than {before}")
    for name, ways in PLACES.items():
        text = (root / name).read_text()
        for way in ways:
            if way.format(before) not in text:
                raise Refused(f"{name} does not say {way.format(before)}")
            text = text.replace(way.format(before), way.format(version))
        yield name, text
    yield CHANGELOG, _with_heading((root / CHANGELOG).read_text(), version, today)


def _version_of(root: Path) -> str:
    found = re.search(r'^version = "(.+)"$', (root / "pyproject.toml").read_text(), re.M)
    if not found:
        raise Refused("pyproject.toml has no version")
    return found[1]


def _number(version: str) -> tuple[int, ...]:
    found = _VERSION.fullmatch(version)
    if not found:
        raise Refused(f"{version or 'nothing'} is no version: it looks like 0.2.0")
    return tuple(map(int, found.groups()))


def _with_heading(text: str, version: str, today: date) -> str:
    """What is unreleased becomes the section of the version."""
    found = _UNRELEASED.search(text)
    if not found or not re.search(r"^- \S", found[1], re.M):
        raise Refused(f"{CHANGELOG} has nothing under Unreleased: say what users will notice")
    if re.search(rf"^## {re.escape(version)}\b", text, re.M):
        raise Refused(f"{CHANGELOG} has a section {version} already")
    heading = f"## Unreleased\n\n## {version} - {today.isoformat()}\n"
    return text.replace("## Unreleased\n", heading, 1)


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refused(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()


def main() -> None:
    """Exit with 1 and the reason if nothing was done."""
    root, version = Path(__file__).parents[1], "".join(sys.argv[1:])
    try:
        tag = release(root, version, datetime.now(UTC).date())
    except Refused as refused:
        sys.exit(f"no release: {refused}")
    print(f"{tag} is committed and tagged; publish it with: git push --follow-tags")


if __name__ == "__main__":
    main()
