"""Whether an answer is what its owner expects; each check takes time linear to a body of at most 1 MiB."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic_core import from_json, to_json

from services.worker.heads import shown
from services.worker.response import READ_BYTES
from shared.memory import MEBIBYTE, remembered
from shared.schemas.assertions import (
    PATTERN_BYTES,
    Assertion,
    BodyContains,
    BodyMatches,
    BodyNotContains,
    HeaderEquals,
    JsonPathEquals,
    ResponseTimeUnder,
    StatusCodeEquals,
    pattern,
    steps,
)

_OF_BODY = BodyContains | BodyNotContains | BodyMatches | JsonPathEquals


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back; `body` as far as it was read, `is_whole` if that was all of it."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    is_whole: bool
    duration_ms: int


def look_at_body(assertions: Sequence[Assertion]) -> bool:
    """Whether the body is needed, beyond what is kept of it."""
    return any(isinstance(assertion, _OF_BODY) for assertion in assertions)


def failed(assertions: Sequence[Assertion], answered: Answered) -> str | None:
    """The sentence that names the first assertion that does not hold, or nothing if all do."""
    for assertion in assertions:
        if why := _why_not(assertion, answered):
            return f"Assertion {assertion.type} failed: {why}."
    return None


def _why_not(assertion: Assertion, answered: Answered) -> str | None:
    if isinstance(assertion, _OF_BODY):
        return _of_body(assertion, answered)
    match assertion:
        case StatusCodeEquals(value=value):
            return None if int(value) == answered.status else f"the status is {answered.status}, not {value}"
        case ResponseTimeUnder(value=value):
            took = answered.duration_ms
            return None if took < int(value) else f"it took {took} ms, not under {value} ms"
        case HeaderEquals(name=name, value=value):
            found = [given for known, given in answered.headers if known == name.lower()]
            if value in found:
                return None
            return (
                f"{name} is {shown(found[0])}, not {shown(value)}" if found else f"there is no header {name}"
            )


def _of_body(
    assertion: BodyContains | BodyNotContains | BodyMatches | JsonPathEquals, answered: Answered
) -> str | None:
    size = f"the body of {len(answered.body)} bytes"
    is_long = len(answered.body) >= READ_BYTES
    read = f"the body {'is longer than 1 MiB' if is_long else 'was cut short'}, and what was read of it"
    match assertion:
        case BodyContains(value=value):
            if value.encode() in answered.body:
                return None
            return f"{size if answered.is_whole else read} does not contain {shown(value)}"
        case BodyNotContains(value=value):
            if value.encode() in answered.body:
                return f"{size} contains {shown(value)}"
            return None if answered.is_whole else f"{read} cannot tell"
        case BodyMatches(value=value):
            if _search(value)(answered.body):
                return None
            return f"{size if answered.is_whole else read} does not match {shown(value)}"
        case JsonPathEquals(path=path, value=value):
            return _at_path(path, value, answered, "" if answered.is_whole else read)


def _at_path(path: str, value: str, answered: Answered, read: str) -> str | None:
    try:
        found = from_json(answered.body)
    except ValueError:
        return f"{read or f'the body of {len(answered.body)} bytes'} is no JSON"
    for step in steps(path):
        try:
            if isinstance(found, str):
                raise TypeError  # a text has no first item
            found = found[step]
        except (KeyError, IndexError, TypeError):
            return f"there is nothing at {shown(path)}"
    text = found if isinstance(found, str) else to_json(found).decode()
    return None if text == value else f"{shown(path)} is {shown(text)}, not {shown(value)}"


@remembered(64 * MEBIBYTE, per_entry=PATTERN_BYTES)
def _search(text: str) -> Callable[[bytes], object]:
    search: Callable[[bytes], object] = pattern(text).search
    return search
