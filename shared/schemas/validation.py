"""Validation errors in the words that every interface uses."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from shared.basics import words

Place = tuple[int | str, ...]

_SENTENCES = {
    "missing": "is required.",
    "extra_forbidden": "is not known here; remove it.",
    "string_too_short": "must have at least {min_length} characters.",
    "string_too_long": "must have at most {max_length} characters.",
    "greater_than_equal": "must be at least {ge}.",
    "less_than_equal": "must be at most {le}.",
    "too_long": "must have at most {max_length} items.",
    "too_short": "must have at least {min_length} item.",
    "string_type": "must be a string.",
    "int_type": "must be an integer.",
    "int_parsing": "must be an integer.",
    "int_from_float": "must be an integer.",
    "bool_type": "must be true or false.",
    "bool_parsing": "must be true or false.",
    "dict_type": "must be an object.",
    "tuple_type": "must be a list.",
    "list_type": "must be a list.",
    **dict.fromkeys(
        ("timezone_aware", "datetime_type", "datetime_parsing", "datetime_from_date_parsing"),
        "must be a moment with its offset, as in 2026-11-27T09:00:00Z.",
    ),
    "union_tag_not_found": "must have a type.",
    "union_tag_invalid": "must have a type of {expected_tags}.",
    "enum": "must be one of {expected}.",
    "literal_error": "must be one of {expected}.",
    "string_pattern_mismatch": "must not contain control characters.",
    "finite_number": "must be a finite number.",
    "model_type": "must be an object.",
    "model_attributes_type": "must be an object.",
}


def by_field(error: ValidationError, model: type[BaseModel]) -> dict[str, list[str]]:
    """Sentences grouped by field, in the order the fields of `model` were checked."""
    grouped: dict[str, list[str]] = {}
    problems = error.errors(include_url=False, include_input=False)
    for problem in problems:
        if problem["type"] == "too_short" and any(_is_within(other, problem) for other in problems):
            continue  # items that are wrong are not counted, and have their own sentences
        place = _written(problem["loc"], model)
        field = ".".join(str(part)[:80] for part in place) or "body"
        sentence = f"The {field} field {_sentence(problem, model)}" if place else _of_whole(problem, model)
        if sentence not in grouped.setdefault(field, []):
            grouped[field].append(sentence)
    return grouped


def _is_within(problem: ErrorDetails, outer: ErrorDetails) -> bool:
    place = outer["loc"]
    return len(problem["loc"]) > len(place) and problem["loc"][: len(place)] == place


def _of_whole(problem: ErrorDetails, model: type[BaseModel]) -> str:
    """The sentence for an error of no single field; a model's own check words it already."""
    said = _sentence(problem, model)
    return said if problem["type"] == "value_error" else f"The body {said}"


def _sentence(problem: ErrorDetails, model: type[BaseModel]) -> str:
    if problem["type"] == "extra_forbidden" and (meant := _meant(problem["loc"], model)):
        return f"is not known here; did you mean {meant}?"
    if problem["type"] == "string_too_short" and problem["ctx"]["min_length"] == 1:
        return "must not be empty."
    known = _SENTENCES.get(problem["type"])
    if known:
        return known.format(**problem.get("ctx", {}))
    text = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "value_error":
        return text if text.endswith((".", "?")) else f"{text}."
    return f"is invalid: {text}."


def _meant(place: Place, model: type[BaseModel]) -> str | None:
    """The field that the unknown one at this place was probably meant to be."""
    models = [model]
    for step in place[:-1]:
        if fields := _fields(models, step):  # else the step is the number of an item, or a tag
            models = [found for field in fields for found in _models(field.annotation)]
    return words.nearest(str(place[-1]), {name for one in models for name in one.model_fields})


def _written(place: Place, model: type[BaseModel]) -> Place:
    """The place as the caller wrote it, without the tags that choose one of several models."""
    models, written = [model], list[int | str]()
    for number, step in enumerate(place):
        fields = _fields(models, step)
        is_tag = len(models) > 1 and not fields and isinstance(step, str) and number < len(place) - 1
        if not is_tag:
            written.append(step)
        models = [found for field in fields for found in _models(field.annotation)] or models
    return tuple(written)


def _fields(models: list[type[BaseModel]], step: int | str) -> list[FieldInfo]:
    return [one.model_fields[step] for one in models if isinstance(step, str) and step in one.model_fields]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
