"""What the docs say, held against the code."""

import re
from pathlib import Path

from services.api.main import ROUTES
from services.mcp.tools import TOOLS
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import JobCreate
from shared.schemas.queues import QueueCreate

DOCS = Path(__file__).parents[1] / "docs"


def test_every_route_stands_in_the_api_page() -> None:
    page = re.sub(r"\{\w+\}", "{}", (DOCS / "api.md").read_text())

    assert [route.path for route in ROUTES if f"{re.sub(r'{.*?}', '{}', route.path)}`" not in page] == []


def test_every_field_stands_in_the_api_page() -> None:
    page = (DOCS / "api.md").read_text()
    fields = {name for model in (CronCreate, JobCreate, QueueCreate) for name in model.model_fields}

    assert [name for name in sorted(fields) if f"`{name}`" not in page] == []


def test_every_tool_stands_in_the_mcp_page() -> None:
    page = (DOCS / "mcp.md").read_text()

    assert [name for name in TOOLS if f"`{name}`" not in page] == []


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*DOCS.glob("*.md"), DOCS.parent / "README.md"]:
        for link in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"
