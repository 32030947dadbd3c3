"""The check that a change of the OpenAPI document breaks no client: what it finds, and what it lets pass."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from scripts.openapi_breaks import breaks
from services.api.openapi.document import document

DOCUMENT = document()
Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> list[str]:
    after = copy.deepcopy(DOCUMENT)
    change(after)
    return breaks(DOCUMENT, after)


def post(document: dict[str, Any], path: str = "/api/jobs") -> Any:
    return document["paths"][path]["post"]


def schema(document: dict[str, Any], name: str) -> Any:
    return document["components"]["schemas"][name]


def field(document: dict[str, Any], name: str, of: str) -> Any:
    return schema(document, name)["properties"][of]


KEPT: dict[str, Change] = {
    "nothing": lambda _: None,
    "an operation": lambda it: it["paths"].update({"/api/new": it["paths"]["/api/jobs"]}),
    "a field that may be given": lambda it: schema(it, "JobCreate")["properties"].update(
        x={"type": "string"}
    ),
    "a field in an answer": lambda it: schema(it, "JobScheduled")["properties"].update(x={"type": "string"}),
    "a wider bound": lambda it: field(it, "JobCreate", "delay").update(maximum=10**6),
    "a method that may be asked for": lambda it: post(it)["parameters"].append(
        {"name": "x", "in": "query", "schema": {}}
    ),
    "an error": lambda it: post(it)["responses"].update({"418": {"$ref": "#/components/responses/404"}}),
    "less scope": lambda it: post(it).update(security=[{"token": ["read"]}]),
    "another text": lambda it: it["info"].update(description="Another."),
}
LOST: dict[str, tuple[Change, str]] = {
    "an operation": (lambda it: it["paths"].pop("/api/jobs"), "POST /api/jobs: it is gone"),
    "a method": (lambda it: it["paths"]["/api/jobs"].pop("get"), "GET /api/jobs: it is gone"),
    "a name": (lambda it: post(it).update(operationId="x"), "its name create-job is now x"),
    "a scope": (lambda it: post(it).update(security=[{"token": ["admin"]}]), "it needs the scope admin"),
    "a parameter": (lambda it: it["paths"]["/api/jobs"]["get"]["parameters"].pop(0), "the parameter page is gone"),
    "a choice": (lambda it: post(it)["parameters"].append({"name": "x", "in": "query", "required": True, "schema": {}}), "the parameter x is required"),
    "a field that could be given": (lambda it: schema(it, "JobCreate")["properties"].pop("delay"), "body.delay is gone"),
    "a field that need not be given": (lambda it: schema(it, "JobCreate")["required"].append("method"), "body.method is required"),
    "a bound": (lambda it: field(it, "JobCreate", "delay").update(maximum=60), "body.delay has the maximum 86400, not 60"),
    "a value": (lambda it: schema(it, "Method")["enum"].remove("PUT"), "body.method may be ['PUT']"),
    "null": (lambda it: field(it, "JobCreate", "body").update(anyOf=[{"type": "string"}]), "body.body is null"),
    "an answered field": (lambda it: (schema(it, "JobScheduled")["properties"].pop("job_id"), schema(it, "JobScheduled")["required"].remove("job_id")), "answer 201.job_id is required there"),
    "an answered type": (lambda it: field(it, "JobScheduled", "job_id").update(type="string"), "answer 201.job_id is string, not integer"),
    "an answered value": (lambda it: schema(it, "JobStatus")["enum"].append("asleep"), "may be ['asleep']"),
    "a status": (lambda it: post(it)["responses"].update({"202": post(it)["responses"]["201"]}), "it may answer 202"),
    "a body that need not be there": (lambda it: post(it, "/api/settings/signing")["requestBody"].update(required=True), "a body is required"),
}  # fmt: skip


@pytest.mark.parametrize("change", KEPT.values(), ids=KEPT)
def test_what_adds_breaks_nobody(change: Change) -> None:
    assert changed(change) == []


@pytest.mark.parametrize(("change", "said"), LOST.values(), ids=LOST)
def test_what_takes_away_is_found(change: Change, said: str) -> None:
    assert any(said in sentence for sentence in changed(change)), changed(change)
