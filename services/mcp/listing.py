"""The tools as a client is shown them; needs no Redis, so that a bridge can answer by itself."""

from collections.abc import Callable
from typing import Any

from mcp_types import Tool as ListedTool
from mcp_types import ToolAnnotations

from services.mcp.tools import TOOLS, Tool

Part = dict[str, Any]


def _listed(row: Tool[Any]) -> ListedTool:
    return ListedTool(
        name=row.name,
        title=row.title,
        description=row.description,
        input_schema=_plain(row.model.model_json_schema(), _asked),
        output_schema=_plain(row.answer.model_json_schema(mode="serialization"), _answered),
        annotations=ToolAnnotations(
            title=row.title,
            read_only_hint=row.scope == "read",
            destructive_hint=row.is_destructive,
            idempotent_hint=row.is_idempotent or row.scope == "read",
            open_world_hint=row.meets_outside,
        ),
    )


def _plain(schema: dict[str, Any], each: Callable[[Part], Part]) -> dict[str, Any]:
    """The schema without references, which some hosts cannot follow, without our names and docstrings.

    `each` has the last word on every part of it.
    """
    models: dict[str, Any] = schema.pop("$defs", {})

    def inlined(part: Any) -> Any:
        match part:
            case {"$ref": str(name), **rest}:
                # "Anything" is `true`: an empty schema counts as a slip with some checkers.
                return inlined({**models[name.removeprefix("#/$defs/")], **rest}) or True
            case {"properties": dict(fields), **rest}:
                rest.pop("description", None)
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


def _asked(part: Part) -> Part:
    """Null is taken and not listed: hosts that see a choice with null send an object as text, or null."""
    match part:
        case {"anyOf": [dict(only), {"type": "null"}], **rest}:
            return {
                **only,
                **{key: value for key, value in rest.items() if (key, value) != ("default", None)},
            }
    return part


def _answered(part: Part) -> Part:
    """Open, so that a client with an older list takes an answer that has grown a key."""
    if part.get("additionalProperties") is False:
        return {key: value for key, value in part.items() if key != "additionalProperties"}
    return part


LISTING: dict[str, ListedTool] = {name: _listed(row) for name, row in TOOLS.items()}
