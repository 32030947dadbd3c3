"""What the docs say, compared with the code."""

import re
import shlex
from pathlib import Path

from services.cli import dev
from services.cli.main import _parser
from services.mcp.tools import TOOLS
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from tests.mcp.test_tools import PARAMETERS

DOCS = Path(__file__).parents[2] / "docs"


def test_every_field_stands_in_the_api_page() -> None:
    page = (DOCS / "api.md").read_text()
    fields = {name for model in (CronCreate, JobCreate) for name in model.model_fields}

    assert [name for name in sorted(fields) if f"`{name}`" not in page] == []


def test_tokens_of_the_pages_are_for_the_team_that_dev_uses() -> None:
    pages = [*DOCS.glob("*.md"), DOCS.parent / "README.md"]
    commands = [
        found for page in pages for found in re.findall(r"recuro (token create[^`\n]*)", page.read_text())
    ]

    asked = [_parser().parse_args(shlex.split(command)) for command in commands]

    assert [one.team for one in asked] == [dev.TEAM] * len(asked)
    assert asked != []


def test_every_tool_stands_in_the_mcp_page() -> None:
    page = (DOCS / "mcp.md").read_text()

    assert [name for name in TOOLS if f"`{name}`" not in page] == []


def test_the_mcp_page_has_a_row_for_every_tool_with_its_parameters() -> None:
    rows = re.findall(
        r"^\| `([a-z]+(?:-[a-z]+)+)` \| (.+?) \| (\w+) \|", (DOCS / "mcp.md").read_text(), re.MULTILINE
    )

    assert [(name, scope) for name, _, scope in rows] == [(row.name, row.scope) for row in TOOLS.values()]
    for name, parameters, _ in rows:
        documented = re.sub(r" \([^)]*\)|,", "", parameters)
        expected = "id* and any field of create-cron but mode" if name == "update-cron" else PARAMETERS[name]
        assert documented == (expected or "none")
