"""The schemas of the OpenAPI document: each model that is taken or answered, under a name of its own."""

from collections.abc import Callable, Iterable
from typing import Any

from pydantic.json_schema import JsonSchemaMode

from shared.schemas.base import NULL, Schema

Part = dict[str, Any]
REF = "#/components/schemas/"
_TAKEN = "Taken"
"""Ends the name of a model as it is taken, where it is answered in another form."""


class Schemas:
    """What is taken is closed, for unknown fields are refused; what is answered may get more fields."""

    def __init__(self, taken: Iterable[type[Schema]], answered: Iterable[type[Schema]]) -> None:
        self._taken = _definitions(taken, "validation")
        self._answered = {
            name: _walked(part, _open) for name, part in _definitions(answered, "serialization").items()
        }
        self._clashes = {name for name, part in self._taken.items() if self._answered.get(name, part) != part}

    def taken(self, model: type[Schema]) -> Part:
        """A reference to what the model takes."""
        return {"$ref": REF + self._name_of_taken(_name_of(model.__name__))}

    def answered(self, model: type[Schema]) -> Part:
        """A reference to what the model answers."""
        return {"$ref": REF + _name_of(model.__name__)}

    def all(self) -> dict[str, Part]:
        """Every schema by its name, sorted."""
        renamed = {
            self._name_of_taken(name): _walked(part, self._pointing_to_taken)
            for name, part in self._taken.items()
        }
        return dict(sorted((renamed | self._answered).items()))

    def _name_of_taken(self, name: str) -> str:
        return name + _TAKEN if name in self._clashes else name

    def _pointing_to_taken(self, part: Part) -> Part:
        if "$ref" not in part:
            return part
        return part | {"$ref": REF + self._name_of_taken(part["$ref"].removeprefix(REF))}


def without_null(part: Part) -> Part:
    """For what null cannot be given in, such as a query."""
    match part:
        case {"anyOf": [dict(only), dict(nothing)], **rest} if nothing == NULL:
            rest.pop("default", None)
            return {**only, **rest}
    return part


def _definitions(models: Iterable[type[Schema]], mode: JsonSchemaMode) -> dict[str, Part]:
    found: dict[str, Part] = {}
    for model in models:
        schema = model.model_json_schema(mode=mode, ref_template=f"{REF}{{model}}")
        parts: dict[str, Part] = schema.pop("$defs", {})
        for name, part in {**parts, model.__name__: schema}.items():
            found[_name_of(name)] = _walked(part, _plain)
    return found


def _name_of(name: str) -> str:
    """`Page[Cron]`, which pydantic refers to as `Page_Cron_`, is a CronPage."""
    generic, _, of = name.rstrip("_]").replace("[", "_").partition("_")
    return of + generic


def _plain(part: Part) -> Part:
    """Without titles, which only repeat the names, and with references by our names."""
    part = {key: value for key, value in part.items() if key != "title" or not isinstance(value, str)}
    if "$ref" in part:
        part["$ref"] = REF + _name_of(part["$ref"].removeprefix(REF))
    return part


def _open(part: Part) -> Part:
    return {key: value for key, value in part.items() if (key, value) != ("additionalProperties", False)}


def _walked(part: Any, each: Callable[[Part], Part]) -> Any:
    """The schema with every schema inside it changed; names of properties are left alone."""
    match part:
        case {"properties": dict(fields)}:
            inside = {name: _walked(of, each) for name, of in fields.items()}
            rest = {key: _walked(value, each) for key, value in part.items() if key != "properties"}
            return each({"properties": inside, **rest})
        case dict():
            return each({key: _walked(value, each) for key, value in part.items()})
        case list():
            return [_walked(item, each) for item in part]
    return part
