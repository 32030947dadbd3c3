"""Declares listed tools to three models' APIs by their own types: `python declared.py TOOLS`, where those are installed.

Prints a sentence for each tool that a type refuses. OpenAI's strict mode has no maps, so `strict` is what its library
makes of a schema: a tool with a map in it is declared without.
"""

import json
import re
import sys
from typing import Any

from anthropic.types import ToolParam
from google.genai.types import FunctionDeclaration
from openai.lib._pydantic import _ensure_strict_json_schema
from openai.types.responses import FunctionToolParam
from pydantic import TypeAdapter

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")
"""What all three take."""


def google(tool: dict[str, Any]) -> None:
    said = {"name": tool["name"], "description": tool["description"], "parameters": tool["inputSchema"]}
    FunctionDeclaration.model_validate(said)


def anthropic(tool: dict[str, Any]) -> None:
    assert tool["inputSchema"]["type"] == "object"
    said = {"name": tool["name"], "description": tool["description"], "input_schema": tool["inputSchema"]}
    TypeAdapter(ToolParam).validate_python(said)


def openai(tool: dict[str, Any]) -> None:
    schema, has_maps = tool["inputSchema"], has_map(tool["inputSchema"])
    if not has_maps:
        schema = _ensure_strict_json_schema(json.loads(json.dumps(schema)), path=(), root=schema)
        refuse_loose(schema)
    said = {"type": "function", "name": tool["name"], "description": tool["description"]}
    TypeAdapter(FunctionToolParam).validate_python({**said, "parameters": schema, "strict": not has_maps})


def has_map(part: object) -> bool:
    """Whether an object in it may have keys that are not listed, which strict mode forbids."""
    if isinstance(part, list):
        return any(map(has_map, part))
    if not isinstance(part, dict):
        return False
    is_map = part.get("type") == "object" and part.get("additionalProperties", False) is not False
    return is_map or any(map(has_map, part.values()))


def refuse_loose(schema: object) -> None:
    """What strict mode demands of each object: all keys required, no others."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            assert schema["additionalProperties"] is False
            assert schema["required"] == list(schema["properties"])
        for part in schema.values():
            refuse_loose(part)
    elif isinstance(schema, list):
        for part in schema:
            refuse_loose(part)


def main() -> None:
    problems = []
    for tool in json.loads(sys.argv[1]):
        if not NAME.fullmatch(tool["name"]):
            problems.append(f"{tool['name']}: no name")
        for declare in (google, anthropic, openai):
            try:
                declare(tool)
            except Exception as error:
                problems.append(f"{declare.__name__} {tool['name']}: {error}"[:600])
    print(json.dumps(problems))


main()
