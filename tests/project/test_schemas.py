"""A lint over every schema of both doors, value by value: what hosts and code generators choke on."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from services.mcp.listing import LISTING
from shared import schemas
from shared.schemas.base import Schema

KEYWORDS = {
    *("type", "properties", "required", "additionalProperties", "items", "enum", "const", "anyOf", "oneOf"),
    *("default", "description", "title", "format", "pattern", "discriminator", "$ref", "$defs"),
    *("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"),
}
OF_TYPE = {
    "integer": ("minimum", "maximum"),
    "string": ("minLength", "maxLength", "pattern", "format"),
    "array": ("minItems", "maxItems", "items"),
    "object": ("properties", "required", "additionalProperties"),
}
Part = dict[str, Any]


def models() -> Iterator[type[Schema]]:
    """Every model that a door takes or answers with."""
    for module in pkgutil.iter_modules(schemas.__path__):
        importlib.import_module(f"{schemas.__name__}.{module.name}")
    waiting = [Schema]
    while waiting:
        found = waiting.pop().__subclasses__()
        waiting += found
        yield from (model for model in found if not getattr(model, "__parameters__", ()))


REST = {
    f"{model.__module__}.{model.__name__}-{mode}": model.model_json_schema(mode=mode)
    for model in models()
    for mode in ("validation", "serialization")
}
ASKED = {f"{name}-input": tool.input_schema for name, tool in LISTING.items()}
ANSWERED = {f"{name}-output": tool.output_schema or {} for name, tool in LISTING.items()}
ALL = {**REST, **ASKED, **ANSWERED}


def parts(schema: Any, path: str = "$") -> Iterator[tuple[str, Part]]:
    """Every schema inside a schema, itself among them, with where it stands."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for keyword in ("properties", "$defs"):
        for name, part in schema.get(keyword, {}).items():
            yield from parts(part, f"{path}.{name}")
    for keyword in ("anyOf", "oneOf"):
        for number, part in enumerate(schema.get(keyword, [])):
            yield from parts(part, f"{path}[{number}]")
    for keyword in ("items", "additionalProperties"):
        yield from parts(schema.get(keyword), f"{path}.{keyword}")


def slips(schema: Part) -> Iterator[str]:
    for path, part in parts(schema):
        yield from (f"{path}: {keyword} is no keyword" for keyword in part.keys() - KEYWORDS)
        yield from (
            f"{path}: {keyword} stands beside the type {part.get('type')}"
            for type_, keywords in OF_TYPE.items()
            for keyword in keywords
            if keyword in part and part.get("type") != type_
        )
        for keyword in ("enum", "const"):
            if not all(isinstance(one, str) for one in _listed(part.get(keyword, []))):
                yield f"{path}: {keyword} has what is no text"
        for least, most in (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")):
            if part.get(least, 0) > part.get(most, float("inf")):
                yield f"{path}: {least} is above {most}"
        if "default" in part and "$defs" not in schema:
            for error in Draft202012Validator(part).iter_errors(part["default"]):
                yield f"{path}: its default is refused: {error.message}"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("name", ALL)
def test_every_schema_is_sound(name: str) -> None:
    Draft202012Validator.check_schema(ALL[name])

    assert list(slips(ALL[name])) == []


@pytest.mark.parametrize("name", ASKED)
def test_what_a_tool_takes_is_listed_without_choices_nulls_and_references(name: str) -> None:
    properties = ASKED[name]["properties"]

    for path, part in parts(ASKED[name]):
        assert part.keys().isdisjoint({"anyOf", "oneOf", "$ref", "$defs"}), path
        assert part.get("type") != "null", path
        assert part.get("default", "") is not None, path
    assert ASKED[name]["additionalProperties"] is False
    assert {field for field, part in properties.items() if not part.get("description")} <= {"reason"}


def test_what_null_clears_is_said() -> None:
    fields = LISTING["update-cron"].input_schema["properties"]

    assert {
        name for name, field in fields.items() if field.get("description", "").endswith("; null clears it")
    } == {*("headers", "payload", "callback_url", "alert_threshold")}


@pytest.mark.parametrize("name", ANSWERED)
def test_what_a_tool_answers_may_grow_a_key(name: str) -> None:
    assert [path for path, part in parts(ANSWERED[name]) if part.get("additionalProperties") is False] == []
    assert ANSWERED[name]["required"]
