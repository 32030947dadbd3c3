"""Holds every answer that a test of the API gets beside the OpenAPI document: its status, headers and body."""

import re
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from services.api.openapi.document import document

DOCUMENT = document()
PATHS = {
    re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + r"\Z"): methods
    for path, methods in sorted(DOCUMENT["paths"].items(), key=lambda item: ("{" in item[0], item[0]))
}

SOMETIMES = ("Idempotent-Replayed", "Location", "RateLimit", "RateLimit-Policy")


async def check(response: httpx.Response) -> None:
    """Raises AssertionError for an answer that the document has not."""
    operation = operation_of(response.request)
    if operation is None:  # no path of ours, or a method that is not served there
        return
    status = str(response.status_code)
    described = resolved(operation["responses"].get(status))
    assert described, f"{operation['operationId']} answered {status}, which the document has not"
    missing = [
        name for name in described["headers"] if name not in SOMETIMES and name not in response.headers
    ]
    assert not missing, f"{operation['operationId']} answered {status} without {missing}"
    await response.aread()
    content = described["content"]["application/json"]
    errors = [error.message for error in validator(content["schema"]["$ref"]).iter_errors(response.json())]
    assert not errors, f"{operation['operationId']} answered {status} with {errors}"


def operation_of(request: httpx.Request) -> Any:
    """What the document says of the request's path and method; nothing if it has neither."""
    methods: Any = next((methods for path, methods in PATHS.items() if path.match(request.url.path)), {})
    return methods.get(request.method.lower())


def resolved(part: Any) -> Any:
    """What a reference points to."""
    if part is None or "$ref" not in part:
        return part
    found: Any = DOCUMENT
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return found


@cache
def validator(ref: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": ref, "components": DOCUMENT["components"]})
