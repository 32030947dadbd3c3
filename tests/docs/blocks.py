"""The code blocks of the README and of all pages."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from tests.docs.pages import DOCS

ROOT = DOCS.parent
_FENCE = re.compile(r"^( *)```(\S*)[^\n]*\n(.*?)^\1```$", re.M | re.S)


class Block(NamedTuple):
    """One, by its page, its language, and which of that language it is there."""

    page: str
    language: str
    number: int
    text: str


def blocks() -> Iterator[Block]:
    for path in (*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))):
        page, seen = str(path.relative_to(ROOT)), dict[str, int]()
        for indent, language, text in _FENCE.findall(path.read_text()):
            seen[language] = seen.get(language, 0) + 1
            yield Block(page, language, seen[language], re.sub(f"^{indent}", "", text, flags=re.M))


NOT_RUN = {
    ("docs/alerts.md", "sh", 1): "needs an alert; tests/api/crons/test_quiet.py makes one",
    ("docs/alerts.md", "sh", 2): "needs a message that failed; tests/api/work/test_resending.py makes one",
    ("README.md", "", 1): "a drawing",
    ("docs/architecture.md", "", 1): "a drawing",
    ("README.md", "console", 1): "clones the repository; tests/e2e/test_dev.py runs what `make dev` does",
    ("README.md", "console", 2): "listens until it is stopped; tests/cli/test_listen.py runs it",
    ("docs/deploy.md", "console", 1): "needs a container engine",
    ("docs/deploy.md", "console", 2): "needs a container engine; scripts/check_deploy.py checks the file",
    ("docs/deploy.md", "console", 3): "needs a cluster; scripts/check_deploy.py checks the manifests",
    ("docs/deploy.md", "nginx", 1): "needs nginx",
    ("docs/deploy.md", "yaml", 1): "needs a cluster and a registry",
    ("docs/deploy.md", "yaml", 2): "needs Prometheus",
    ("docs/mcp.md", "sh", 1): "fetches the inspector from npm",
    ("docs/verify.md", "console", 2): "its values are cut short; tests/cli/test_verify.py has whole ones",
}
"""Blocks that no test runs, and why."""

RUN_BY = {
    ("README.md", "sh"): "tests/e2e/test_readme.py",
    ("README.md", "json"): "tests/mcp/test_config_blocks.py",
    ("docs/mcp.md", "json"): "tests/mcp/test_config_blocks.py",
    ("docs/alerts.md", "json"): "tests/worker/notices/test_channels_page.py",
    ("docs/alerts.md", "text"): "tests/worker/notices/test_channels_page.py",
    ("docs/backup.md", "console"): "tests/cli/test_backup.py",
    ("docs/states.md", "mermaid"): "tests/docs/test_states.py",
    ("docs/verify.md", "python"): "tests/docs/test_verify_page.py",
    ("docs/verify.md", "js"): "tests/docs/test_verify_page.py",
    ("docs/verify.md", "php"): "tests/docs/test_verify_page.py",
    ("docs/audit.md", "json"): "tests/e2e/test_pages.py",
    ("docs/tokens.md", ""): "tests/e2e/test_pages.py",
    ("docs/verify.md", "console"): "tests/e2e/test_pages.py",
}
"""Which test runs those of a page and a language; all others in a shell are run by tests/e2e/test_pages.py."""

SHELL = ("sh", "bash")


def key_of(block: Block) -> tuple[str, str, int]:
    return block.page, block.language, block.number


def in_a_shell(page: str) -> list[str]:
    """The commands of a page that are typed as they stand, in order."""
    return [
        "\n".join(line.removeprefix("$ ") for line in block.text.splitlines() if is_typed(block, line))
        for block in blocks()
        if block.page == page and block.language in (*SHELL, "console") and key_of(block) not in NOT_RUN
    ]


def is_typed(block: Block, line: str) -> bool:
    return block.language != "console" or line.startswith("$ ")
