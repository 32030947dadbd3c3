"""What a model is shown of the tools: small, plain, and with the words that names do not say."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from services.mcp import brief
from services.mcp.answers import CronRow, JobRow
from services.mcp.listing import LISTING
from services.mcp.tools import TOOLS

PAGE = (Path(__file__).parents[3] / "docs" / "mcp.md").read_text()
MOST_TOKENS = 4_000
CHARACTERS_A_TOKEN = 4.2
"""Of these texts by o200k_base, whose table a test cannot fetch: 3,710 tokens were 15,456 characters."""


def shown() -> list[str]:
    """As hosts hand them to a model: without what only a host reads."""
    return [
        json.dumps(
            {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema},
            separators=(",", ":"),
        )
        for tool in LISTING.values()
    ]


def parts(schema: Any) -> list[dict[str, Any]]:
    """Every object in it."""
    if isinstance(schema, list):
        return [found for item in schema for found in parts(item)]
    if not isinstance(schema, dict):
        return []
    return [schema, *(found for value in schema.values() for found in parts(value))]


def test_all_tools_together_stay_below_what_the_page_says() -> None:
    (documented,) = re.findall(r"are ([\d,]+) tokens for a model", PAGE)
    said = int(documented.replace(",", ""))

    characters = sum(map(len, shown()))

    assert said <= MOST_TOKENS
    assert characters / CHARACTERS_A_TOKEN <= said * 1.05


@pytest.mark.parametrize("name", LISTING)
def test_a_schema_has_nothing_that_a_model_does_not_need(name: str) -> None:
    keys = {key for part in parts(LISTING[name].input_schema["properties"]) for key in part}

    assert keys & {"title", "format", "pattern", "minLength", "maxLength", "anyOf", "oneOf", "$ref"} == set()


def test_no_sentence_of_a_field_is_empty_and_none_is_said_of_what_no_tool_has() -> None:
    fields = {field for row in TOOLS.values() for field in row.model.model_fields}
    said = [
        field["description"]
        for tool in LISTING.values()
        for field in tool.input_schema["properties"].values()
        if "description" in field
    ]

    assert set(brief.WORDS) <= fields
    assert "" not in said


def test_an_update_repeats_no_word_of_the_creation() -> None:
    assert "description" not in str(LISTING["update-cron"].input_schema)


@pytest.mark.parametrize("row", [CronRow, JobRow])
def test_rows_of_lists_have_no_bodies_and_no_headers(row: type[CronRow | JobRow]) -> None:
    assert {"headers", "payload", "body", "run", "last_response"} & set(row.model_fields) == set()
