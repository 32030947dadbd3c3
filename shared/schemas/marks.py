"""Marks on the types of fields, and the walk that finds what is marked in a model, however deep."""

from collections.abc import Callable, Collection, Mapping
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel
from typing_extensions import TypeAliasType

M = TypeVar("M", bound=BaseModel)


class Mark(StrEnum):
    """What becomes of such a value before it is kept; it stands in the `Annotated` of the value's type."""

    URL = "judged: whether anything would ever be sent there"
    HEADERS = "the secret ones are sealed for where the `url` of the same model leads"
    HEADER_CHANGES = "left open: only the action knows for where to seal them"


Visit = Callable[[Any, str, BaseModel], Any]
"""What becomes of a marked value, given its place (`slack.url`) and the model that has it as a field."""
_Walk = Callable[[Any, str, BaseModel, Visit], Any]


def replaced(model: M, mark: Mark, visit: Visit, place: str = "") -> M:
    """The model with what becomes of each value that is marked so; the same one if all stays as it is."""
    changes = {}
    for name, walk in _walks_of(type(model), mark):
        value = getattr(model, name)
        if value is not None and (new := walk(value, place + name, model, visit)) is not value:
            changes[name] = new
    return model.model_copy(update=changes) if changes else model


@cache
def _walks_of(model: type[BaseModel], mark: Mark) -> tuple[tuple[str, _Walk], ...]:
    """The fields in which something may be marked so, and how to get there."""
    found = []
    for name, field in model.model_fields.items():
        walk = _visiting(mark) if mark in field.metadata else _walk_of(field.annotation, mark)
        if walk:
            found.append((name, walk))
    return tuple(found)


def _walk_of(type_: Any, mark: Mark) -> _Walk | None:
    """How to get through a value of the type to what is marked; none if nothing in it can be."""
    origin, parts = get_origin(type_), get_args(type_)
    if isinstance(type_, TypeAliasType):
        return _walk_of(type_.__value__, mark)
    if origin is Annotated:
        return _visiting(mark) if mark in parts else _walk_of(parts[0], mark)
    if origin is None:
        is_model = isinstance(type_, type) and issubclass(type_, BaseModel)
        return _through_model(mark) if is_model else None
    walks = [walk for part in parts if (walk := _walk_of(part, mark))]
    if not walks:
        return None
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _through_values(walks)
    if isinstance(origin, type) and issubclass(origin, Collection):
        return _through_items(walks)
    return _through_each(walks)


def _visiting(mark: Mark) -> _Walk:
    """Where it is one of several types, what is none of its kind is left as it is."""
    kind = str if mark is Mark.URL else Mapping

    def walk(value: Any, place: str, within: BaseModel, visit: Visit) -> Any:
        return visit(value, place, within) if isinstance(value, kind) else value

    return walk


def _through_model(mark: Mark) -> _Walk:
    """By the type that the value has, which may be narrower than that of the field."""

    def walk(value: Any, place: str, _within: BaseModel, visit: Visit) -> Any:
        return replaced(value, mark, visit, f"{place}.") if isinstance(value, BaseModel) else value

    return walk


def _through_each(walks: list[_Walk]) -> _Walk:
    """Of a choice of types; each leaves alone what is not of its own."""
    if len(walks) == 1:
        return walks[0]

    def walk(value: Any, place: str, within: BaseModel, visit: Visit) -> Any:
        for each in walks:
            value = each(value, place, within, visit)
        return value

    return walk


def _through_items(walks: list[_Walk]) -> _Walk:
    walk_one = _through_each(walks)

    def walk(value: Any, place: str, within: BaseModel, visit: Visit) -> Any:
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, Collection):
            return value
        items = [walk_one(item, f"{place}.{at}", within, visit) for at, item in enumerate(value)]
        is_same = all(new is old for new, old in zip(items, value, strict=True))
        return value if is_same else type(value)(items)  # type: ignore[call-arg]

    return walk


def _through_values(walks: list[_Walk]) -> _Walk:
    """Keys are not judged: a model that marks them is not one that we take."""
    walk_one = _through_each(walks)

    def walk(value: Any, place: str, within: BaseModel, visit: Visit) -> Any:
        if not isinstance(value, Mapping):
            return value
        items = {key: walk_one(item, f"{place}.{key}", within, visit) for key, item in value.items()}
        return value if all(items[key] is value[key] for key in value) else items

    return walk
