"""Whether three models' APIs take every tool that is listed, by the types of their own libraries."""

import json

from scripts.bridge import OWN
from tests.hosts.places import said
from tests.hosts.stage import HERE, Stage

REFUSED = {
    "name": "not ours",
    "description": "has what Google refuses",
    "inputSchema": {"type": "object", "properties": {"n": {"type": "integer", "enum": [1, 2]}}},
}


def models(stage: Stage) -> None:
    python = str(stage.places.python("types"))

    def declared(tools: list[object]) -> list[str]:
        found: list[str] = json.loads(said([python, str(HERE / "declared.py"), json.dumps(tools)]))
        return found

    # What the gateway lists: a test compares this copy with it.
    tools = json.loads(OWN.read_text())["tools/list"]["tools"]
    stage.note(f"{len(tools)} declarations to Google, OpenAI and Anthropic", declared(tools))
    refused = declared([REFUSED])
    stage.note("a declaration that must be refused", [] if len(refused) > 1 else ["it was not"])
