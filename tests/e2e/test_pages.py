"""The commands of the pages, run as they stand on a whole installation, page by page."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.docs.blocks import NOT_RUN, SHELL, blocks, in_a_shell, key_of
from tests.installation import RECURO, TOKEN, Installation

KEY = 32 * "k"
PAGES = sorted(
    {
        block.page
        for block in blocks()
        if block.page.startswith("docs/") and block.language in SHELL and key_of(block) not in NOT_RUN
    }
)
# Every answer that is an error ends the script; the commands of the pages leave that out.
CURL = """curl() {
  case "$1" in -f*) command curl "$@";; *) command curl -sS --fail-with-body "$@";; esac
  echo
}"""
API = 'curl http://127.0.0.1:8000/api/%s -H "Authorization: Bearer $RECURO_API_TOKEN"'
CRON = (
    API % "crons" + """ -d '{"name": "a", "url": "https://a.example/", "cron_expression": "*/5 * * * *"}'"""
)
PICK = 'python3 -c \'import json, sys; print(json.load(sys.stdin)["data"][0]["ping_key"])\''
BEFORE = {
    "docs/audit.md": [CRON],
    "docs/backfills.md": [CRON],
    "docs/crons.md": ["printf '#!/bin/sh\\necho done' > backup.sh; chmod +x backup.sh"],
}
"""What a page takes to be there."""


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs commands where `recuro` and the token are known."""

    installation: Installation
    folder: Path

    def run(self, *commands: str) -> str:
        text = "\n".join([CURL, *commands]).replace(":8000", f":{self.installation.api_port}")
        text = text.replace(":8001", f":{self.installation.mcp_port}")
        environment = {
            **self.installation.environment,
            "PATH": f"{RECURO.parent}{os.pathsep}{os.environ['PATH']}",
            "RECURO_API_TOKEN": TOKEN,
        }
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done.stdout


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    environment = {"RECURO_ENCRYPTION_KEY": KEY}
    with Installation(tmp_path, environment=environment) as installation:
        yield Shell(installation, tmp_path)


def answers(said: str) -> list[dict[str, Any]]:
    """The lines that are JSON."""
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def block_of(page: str, language: str) -> str:
    (found,) = [block.text for block in blocks() if (block.page, block.language) == (page, language)]
    return found


def test_the_pages_that_have_commands_are_found() -> None:
    assert set(PAGES) >= {"docs/accounts.md", "docs/audit.md", "docs/tokens.md", "docs/alerts.md"}


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_does_what_it_should(shell: Shell, page: str) -> None:
    commands = [*BEFORE.get(page, []), *in_a_shell(page)]
    if page == "docs/crons.md":
        commands.insert(-1, f"PING_KEY=$({API % 'crons'} | {PICK})")

    assert shell.run(*commands)


def test_the_trail_has_what_docs_audit_md_shows(shell: Shell) -> None:
    shown = json.loads(block_of("docs/audit.md", "json"))

    said = answers(shell.run(CRON, *in_a_shell("docs/audit.md")))
    found = [one for one in said if one.keys() == shown.keys()][-1]

    differing = {"id", "at", "token", "client", "request_id"}
    (line,), (told,) = [
        [{name: value for name, value in one.items() if name not in differing} for one in page["data"][:1]]
        for page in (found, shown)
    ]
    assert line == told
    assert found["data"][0].keys() == shown["data"][0].keys()


def test_an_answer_to_a_limited_token_has_the_headers_of_docs_tokens_md(shell: Shell) -> None:
    limited = """{"name": "counted", "scopes": ["write"], "calls_per_hour": 600, "runs_per_day": 1000}"""
    made = answers(shell.run(f"{API % 'tokens'} -d '{limited}'"))[0]["token"]

    said = shell.run(f'curl -i http://127.0.0.1:8000/api/jobs -H "Authorization: Bearer {made}"')

    headers = [line.strip() for line in said.splitlines() if line.lower().startswith("ratelimit")]
    assert without_times("\n".join(headers)) == without_times(block_of("docs/tokens.md", "").strip())


def without_times(headers: str) -> str:
    return re.sub(r";t=\d+", "", headers).lower()


def test_the_signing_secret_is_answered_as_docs_verify_md_shows(shell: Shell) -> None:
    said = shell.run(*in_a_shell("docs/verify.md"))

    found, explained = answers(said)
    assert re.fullmatch(r"whsec_\S+", str(found["secret"]))
    assert explained["id"]["result"] == "unknown"
    shown = next(
        block.text for block in blocks() if (block.page, block.language) == ("docs/verify.md", "console")
    )
    assert json.loads(shown.splitlines()[-1]).keys() == found.keys()
