"""The tools as a client is shown them; needs no Redis, so that a bridge can answer by itself."""

from typing import Any

from mcp_types import Tool as ListedTool
from mcp_types import ToolAnnotations

from services.mcp.tools import TOOLS, Tool


def _listed(row: Tool[Any]) -> ListedTool:
    return ListedTool(
        name=row.name,
        title=row.title,
        description=row.description,
        input_schema=_plain(row.model.model_json_schema()),
        output_schema=_plain(row.answer.model_json_schema(mode="serialization"), all_required=True),
        annotations=ToolAnnotations(
            title=row.title,
            read_only_hint=row.scope == "read",
            destructive_hint=row.is_destructive,
            idempotent_hint=row.is_idempotent or row.scope == "read",
            open_world_hint=row.meets_outside,
        ),
    )


def _plain(schema: dict[str, Any], *, all_required: bool = False) -> dict[str, Any]:
    """The schema without references, which some hosts cannot follow, and without our names and docstrings."""
    models: dict[str, Any] = schema.pop("$defs", {})

    def inlined(part: Any) -> Any:
        match part:
            case {"$ref": str(name), **rest}:
                # "Anything" is `true`: an empty schema counts as a slip with some checkers.
                return inlined({**models[name.removeprefix("#/$defs/")], **rest}) or True
            case {"properties": dict(fields), **rest}:
                rest.pop("description", None)
                if all_required:  # an answer has all its keys, those with a default too
                    rest["required"] = list(fields)
                kept = {name: inlined(field) for name, field in fields.items()}
                return {**inlined(rest), "properties": kept}
            case dict():
                return {key: inlined(value) for key, value in part.items() if key != "title"}
            case list():
                return [inlined(item) for item in part]
        return part

    flat: dict[str, Any] = inlined(schema)
    return flat


LISTING: dict[str, ListedTool] = {name: _listed(row) for name, row in TOOLS.items()}
