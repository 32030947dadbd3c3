"""Assertions: what an answer must be, beside a status of 2xx, for a run to count as a success (spec §3)."""

import re
from typing import Annotated, Any, Literal

import re2
from pydantic import AfterValidator, Field

from shared.schemas.base import HEADER_NAME, Schema

MAX_ASSERTIONS = 10
MAX_CHARACTERS = 2048
PATTERN_BYTES = 8 << 20
"""What a compiled pattern and its search may take of memory; more is refused, not slow."""

_STEP = re.compile(r"""\.([^.\[\]'"\s]+)|\[(\d{1,9})\]|\['([^']*)'\]|\["([^"]*)"\]""")

Text = Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS)]


def pattern(text: str) -> Any:
    """A pattern that runs in time linear to what it is matched with; raises ValueError with the reason."""
    options = re2.Options()
    options.max_mem, options.log_errors = PATTERN_BYTES, False
    try:
        return re2.compile(text, options=options)
    except re2.error as error:
        said = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else error.args[0]
        raise ValueError(f"must be a pattern that RE2 takes ({said})") from None
    finally:
        re2.purge()  # it would keep the last 128 in memory, whatever they take


def steps(path: str) -> list[str | int]:
    """Names and numbers of a path such as `$.items[0]['a key']`; raises ValueError for any other."""
    found: list[str | int] = []
    at = 1
    while path.startswith("$") and (step := _STEP.match(path, at)):
        name = next((name for name in (step[1], step[3], step[4]) if name is not None), None)
        found.append(int(step[2]) if name is None else name)
        at = step.end()
    if not path.startswith("$") or at != len(path):
        raise ValueError("must be a path such as $.items[0].name, of names and numbers only")
    return found


def _check_pattern(text: str) -> str:
    pattern(text)
    return text


def _check_path(text: str) -> str:
    steps(text)
    return text


def _check_status(text: str) -> str:
    if not re.fullmatch(r"2\d\d", text):
        raise ValueError("must be a status from 200 to 299: any other fails without an assertion")
    return text


def _check_milliseconds(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d{0,5}", text) or int(text) > 300_000:
        raise ValueError("must be a number of milliseconds from 1 to 300000")
    return text


def _check_name(text: str) -> str:
    if not HEADER_NAME.match(text):
        raise ValueError("must be the name of a header")
    return text


class StatusCodeEquals(Schema):
    type: Literal["status_code_equals"]
    value: Annotated[str, AfterValidator(_check_status)]


class ResponseTimeUnder(Schema):
    type: Literal["response_time_under_ms"]
    value: Annotated[str, AfterValidator(_check_milliseconds)]


class BodyContains(Schema):
    type: Literal["body_contains"]
    value: Text


class BodyNotContains(Schema):
    type: Literal["body_not_contains"]
    value: Text


class BodyMatches(Schema):
    """RE2: no back references and no look-around, and never slow."""

    type: Literal["body_matches"]
    value: Annotated[Text, AfterValidator(_check_pattern)]


class JsonPathEquals(Schema):
    """`value` is the string that stands there, or anything else as JSON: `true`, `3`, `null`."""

    type: Literal["json_path_equals"]
    path: Annotated[Text, AfterValidator(_check_path)]
    value: Annotated[str, Field(max_length=MAX_CHARACTERS)]


class HeaderEquals(Schema):
    type: Literal["header_equals"]
    name: Annotated[str, AfterValidator(_check_name)]
    value: Annotated[str, Field(max_length=MAX_CHARACTERS)]


Assertion = Annotated[
    StatusCodeEquals
    | ResponseTimeUnder
    | BodyContains
    | BodyNotContains
    | BodyMatches
    | JsonPathEquals
    | HeaderEquals,
    Field(discriminator="type"),
]
Assertions = Annotated[
    tuple[Assertion, ...],
    Field(max_length=MAX_ASSERTIONS, description="What an answer must be beside 2xx, all of them"),
]
