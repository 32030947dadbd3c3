"""Assertions: what a response must be, beside a status of 2xx, for a run to count as a success (spec §3)."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo

from shared.basics.patterns import NEW_BYTES, compiled, steps
from shared.schemas.base import HEADER_NAME, STORED, Schema

MAX_ASSERTIONS = 10
MAX_CHARACTERS = 2048

Text = Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS)]


def _check_pattern(text: str, info: ValidationInfo) -> str:
    if info.context is not STORED:  # what was accepted once stays valid
        compiled(text, NEW_BYTES)
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
    """A pattern for RE2: no back references, no look-around; a search ends after a second."""

    type: Literal["body_matches"]
    value: Annotated[Text, AfterValidator(_check_pattern)]


class JsonPathEquals(Schema):
    """`value` is the string at the path, or any other value as JSON: `true`, `3`, `null`."""

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
