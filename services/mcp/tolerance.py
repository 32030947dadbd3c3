"""Read arguments in the forms that models and hosts send; nothing is guessed."""

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import to_json

Arguments = dict[str, Any]


def read(model: type[BaseModel], given: Mapping[str, Any], *, null_clears: bool) -> Arguments:
    """Null means "not given", unless it clears; an object may be JSON text, and a number may be text."""
    known = _forms_of(model)
    meant = {name: _meant(known.get(name, _UNKNOWN), value) for name, value in given.items()}
    return meant if null_clears else {name: value for name, value in meant.items() if value is not None}


class _Forms(NamedTuple):
    """The types that a field may have, and the same without what they hold."""

    whole: tuple[Any, ...] = ()
    kinds: tuple[type, ...] = ()


_UNKNOWN = _Forms()


@cache
def _forms_of(model: type[BaseModel]) -> Mapping[str, _Forms]:
    forms = {name: tuple(_forms(field.annotation)) for name, field in model.model_fields.items()}
    return {
        name: _Forms(whole, tuple(get_origin(form) or form for form in whole))
        for name, whole in forms.items()
    }


def _meant(forms: _Forms, value: Any) -> Any:
    kinds = forms.kinds
    match value:
        case str() if str not in kinds and any(issubclass(kind, dict | list | tuple) for kind in kinds):
            parsed = _parsed(value, kinds)
            return value if isinstance(parsed, str) else _meant(forms, parsed)
        case str():
            choices = {one.lower(): one.value for kind in kinds if issubclass(kind, StrEnum) for one in kind}
            return choices.get(value.strip().lower().replace("-", "_").replace(" ", "_"), value)
        case dict() if dict[str, str] in forms.whole:
            return {name: _text(one) for name, one in value.items()}
        case int() | float() if kinds == (str,) and not isinstance(value, bool):
            return _text(value)
    return value


def _parsed(text: str, kinds: tuple[type, ...]) -> Any:
    """The text's JSON value if it is of one of the kinds, or null; else the text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    wanted = (*kinds, list) if tuple in kinds else kinds
    return value if value is None or isinstance(value, wanted) else text


def _text(value: Any) -> Any:
    """A number, true or false as JSON text; other values stay, and are refused if they are no text."""
    return to_json(value).decode() if isinstance(value, int | float) else value


def _forms(annotation: Any) -> Iterator[Any]:
    """The type of a value without null and without checks: `dict[str, str]`, `int`."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _forms(get_args(annotation)[0])
    elif origin in (Union, UnionType):
        yield from (form for part in get_args(annotation) for form in _forms(part))
    elif isinstance(origin or annotation, type) and annotation is not type(None):
        yield annotation
