"""The paths that need no token, for the OpenAPI document: pings of heartbeats, and the two probes."""

from typing import Annotated

from pydantic import Field

from services.api.openapi.schemas import Part, Schemas
from shared.actions.pings import MOST_EXIT_STATUS
from shared.schemas.base import Schema


class Pinged(Schema):
    """A ping was taken."""

    ok: bool = True
    note: Annotated[
        str | None,
        Field(
            description="What it counts for, where it ended no fire that waited",
            exclude_if=lambda text: text is None,
        ),
    ] = None


class Live(Schema):
    status: Annotated[str, Field(description="Always `live`")] = "live"


class Ready(Schema):
    status: Annotated[str, Field(description="Always `ready`")] = "ready"
    overdue_seconds: Annotated[
        int | None, Field(description="For how long the oldest job or cron waits for a scheduler")
    ]


ANSWERS: tuple[type[Schema], ...] = (Pinged, Live, Ready)
_KEY = {"name": "key", "in": "path", "required": True, "schema": {"type": "string"}}
_STATUS = {
    "name": "exit_status",
    "in": "path",
    "required": True,
    "schema": {"type": "integer", "minimum": 0, "maximum": MOST_EXIT_STATUS},
}
_TEXT = {"required": False, "content": {"text/plain": {"schema": {"type": "string"}}}}
_PINGS = {
    "": ("ping", "Say that the work of a heartbeat is done"),
    "/fail": ("ping-fail", "Say that the work failed"),
    "/start": ("ping-start", "Say that the work begins"),
    "/log": ("ping-log", "Keep a text with the work"),
    "/{exit_status}": ("ping-exit", "Say how the work ended, by its exit status: 0 is done"),
}


def paths(schemas: Schemas) -> dict[str, Part]:
    """By path and method."""
    pings = {
        f"/ping/{{key}}{end}": {
            method: _ping(name, summary, end, method, schemas) for method in ("get", "post")
        }
        for end, (name, summary) in _PINGS.items()
    }
    probes = {
        "/healthz": {"get": _probe("healthz", "Whether the process answers", Live, schemas)},
        "/readyz": {"get": _probe("readyz", "Whether the process can write to Redis", Ready, schemas)},
    }
    return {**pings, **probes}


def _ping(name: str, summary: str, end: str, method: str, schemas: Schemas) -> Part:
    said: Part = {
        "operationId": f"{name}-{method}",
        "summary": summary,
        "tags": ["pings"],
        "security": [],
        "parameters": [_KEY, _STATUS] if "{" in end else [_KEY],
        "responses": _responses(Pinged, (404, 409, 413, 422, 500, 503), schemas),
    }
    return {**said, "requestBody": _TEXT} if method == "post" else said


def _probe(name: str, summary: str, model: type[Schema], schemas: Schemas) -> Part:
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["health"],
        "security": [],
        "responses": _responses(model, (500, 503), schemas),
    }


def _responses(model: type[Schema], statuses: tuple[int, ...], schemas: Schemas) -> Part:
    content = {"application/json": {"schema": schemas.answered(model)}}
    headers = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
    refused = {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}
    return {"200": {"description": "Done", "headers": headers, "content": content}, **refused}
