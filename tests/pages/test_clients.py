"""The blocks of a new token are those of docs/mcp.md."""

import json
import re
from pathlib import Path

from services.api.pages.settings import clients
from services.api.pages.settings.clients import DEFAULT_URL

PAGE = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text()
EXAMPLES = re.findall(r"```json\n(.*?)\n```", PAGE, re.S)
TOKEN = "your_token_here"


def test_each_block_of_a_client_stands_in_the_page() -> None:
    made = clients.blocks(
        TOKEN, api="http://127.0.0.1:8000", mcp=DEFAULT_URL, command="/path/to/recuro/.venv/bin/recuro-mcp"
    )

    strange = [block.client for block in made if block.client != "curl" and block.text not in EXAMPLES]
    assert strange == []


def test_the_page_names_each_client_and_its_file() -> None:
    made = clients.blocks(TOKEN, api="http://127.0.0.1:8000", mcp=DEFAULT_URL)

    for block in made:
        if block.client != "curl":
            assert f"**{block.client}**" in PAGE
            assert block.place in PAGE


def test_a_gateway_elsewhere_is_named_everywhere() -> None:
    made = clients.blocks(TOKEN, api="https://recuro.example", mcp='https://mcp.example/"mcp')

    for block in made[:-1]:
        assert "https://mcp.example/" in json.dumps(json.loads(block.text))
