"""Validation errors in the words that every door uses."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

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
    "union_tag_not_found": "must have a type.",
    "union_tag_invalid": "must have a type of {expected_tags}.",
    "enum": "must be one of {expected}.",
    "literal_error": "must be one of {expected}.",
    "string_pattern_mismatch": "must not contain control characters.",
    "finite_number": "must be a finite number.",
    "model_type": "must be an object.",
    "model_attributes_type": "must be an object.",
}


def by_field(error: ValidationError) -> dict[str, list[str]]:
    """Sentences grouped by field, in the order the fields were checked."""
    grouped: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False, include_input=False):
        field = ".".join(str(part)[:80] for part in problem["loc"]) or "body"
        sentence = f"The {field} field {_sentence(problem)}"
        if sentence not in grouped.setdefault(field, []):
            grouped[field].append(sentence)
    return grouped


def _sentence(problem: ErrorDetails) -> str:
    known = _SENTENCES.get(problem["type"])
    if known:
        return known.format(**problem.get("ctx", {}))
    text = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "value_error":
        return text if text.endswith((".", "?")) else f"{text}."
    return f"is invalid: {text}."
