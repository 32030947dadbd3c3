"""The list of tools for clients; it needs no Redis, so that the bridge can answer by itself."""

from collections.abc import Callable
from typing import Any

from mcp_types import Tool as ListedTool
from mcp_types import ToolAnnotations

from services.mcp.brief import Part, brief
from services.mcp.tools import TOOLS, Tool

_ANYTHING = {"description": "Any value"}


def _listed(row: Tool[Any]) -> ListedTool:
    return ListedTool(
        name=row.name,
        title=row.title,
        description=row.description,
        input_schema=_with_reason(row, brief(_plain(row.model.model_json_schema(), _input))),
        output_schema=_plain(row.answer.model_json_schema(mode="serialization"), _output),
        annotations=ToolAnnotations(
            title=row.title,
            read_only_hint=row.scope == "read",
            destructive_hint=row.is_destructive,
            idempotent_hint=row.is_idempotent or row.scope == "read",
            open_world_hint=row.meets_outside,
        ),
    )


def _plain(schema: dict[str, Any], each: Callable[[Part], Part]) -> dict[str, Any]:
    """The schema without references (some hosts cannot follow them) and without our names and docstrings.

    `each` may change every part of it last.
    """
    models: dict[str, Any] = schema.pop("$defs", {})
    for model in (schema, *models.values()):
        if "properties" in model:
            model.pop("description", None)

    def inlined(part: Any) -> Any:
        match part:
            case {"$ref": str(name), **rest}:
                # Some checkers treat an empty schema, or `true`, as a mistake.
                return inlined({**models[name.removeprefix("#/$defs/")], **rest}) or _ANYTHING
            case {"properties": dict(fields), **rest}:
                return each(
                    {**inlined(rest), "properties": {name: inlined(of) for name, of in fields.items()}}
                )
            case dict():
                return each({key: inlined(value) for key, value in part.items() if key != "title"})
            case list():
                return [inlined(item) for item in part]
        return part

    flat: dict[str, Any] = inlined(schema)
    return flat


def _with_reason(row: Tool[Any], schema: Part) -> Part:
    """With the `reason` that every write takes; the instructions of the server say what it is."""
    reason = {} if row.scope == "read" else {"reason": {"type": "string"}}
    return {**schema, "properties": {**schema["properties"], **reason}}


def _input(part: Part) -> Part:
    """Null is accepted but not listed: hosts that see a choice with null send objects as text, or null."""
    match part:
        case {"anyOf": [dict(only), {"type": "null"}], **rest}:
            return {
                **only,
                **{key: value for key, value in rest.items() if (key, value) != ("default", None)},
            }
    return part


def _output(part: Part) -> Part:
    """Additional keys are allowed, so that a client with an older list accepts an answer with a new key."""
    if part.get("additionalProperties") is False:
        return {key: value for key, value in part.items() if key != "additionalProperties"}
    return part


LISTING: dict[str, ListedTool] = {name: _listed(row) for name, row in TOOLS.items()}
