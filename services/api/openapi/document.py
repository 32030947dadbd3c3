"""The OpenAPI 3.1 document of the REST API, made from the table of operations and the models."""

from collections.abc import Iterable, Iterator
from typing import Any

from services.api.openapi import errors, examples, open_paths
from services.api.openapi.schemas import Part, Schemas, without_null
from services.api.requests import PATH_KEY
from services.api.table import OPERATIONS
from shared.operations import Operation
from shared.schemas.base import Schema
from shared.version import VERSION

DESCRIPTION = (
    "Recuro calls HTTP endpoints: crons again and again on a schedule, jobs once from a named queue. "
    "Everything belongs to the team of the token. Ids are positive integers, counted per team; "
    "times are ISO 8601 with an offset."
)
TOKEN = "token"
TAGS = {
    "jobs": "What is called once, from a named queue",
    "crons": "What is called again and again, and the executions of each fire",
    "executions": "The executions of all crons, and their fires to come",
    "backfills": "Past fires of crons that are made now",
    "bulk": "Changes of many crons or jobs in the background",
    "queues": "How the jobs of each are sent",
    "dead-letters": "Jobs whose retries are used up",
    "problems": "Failures that are alike, as one thing to look at",
    "alerts": "What failed, and what recovered",
    "notifications": "The channels that alerts are sent through",
    "usage": "Requests of each month",
    "stats": "How much was done, and how long it took",
    "hosts": "Hosts that are given a rest, and whether they answer again",
    "limits": "The most requests of a month",
    "redaction": "Fields of requests and answers whose values are not kept",
    "team": "The team of the token itself",
    "members": "The users in it, and what each may do",
    "invitations": "Who may join it by a link",
    "audit": "Who changed what",
    "tokens": "Who may call, and what each token may do",
    "signing": "The secret that requests are signed with",
    "pings": "A heartbeat's work reports; the key in the path is all it needs",
    "health": "Probes of the process, without a token",
}
"""The groups of the operations, in their order: the noun of the path."""
HEADERS: dict[str, Part] = {
    "RequestId": {
        "description": "The id of the request, as the log has it: the caller's X-Request-Id, or a new one",
        "schema": {"type": "string"},
    },
    "Replayed": {
        "description": "`true` if this is the answer to an earlier write under the same Idempotency-Key",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Version": {
        "description": "Its version, of what callers set: for If-Match",
        "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
    },
    "RetryAfter": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 0}},
    "Location": {"description": "Where to ask on", "schema": {"type": "string"}},
    "RateLimit": {
        "description": "Of a token with limits of calls or runs: what is left of each, and for how long",
        "schema": {"type": "string"},
    },
    "RateLimitPolicy": {
        "description": "Of such a token: each limit and its window in seconds",
        "schema": {"type": "string"},
    },
    "Challenge": {"description": "How to authenticate", "schema": {"type": "string"}},
}
PARAMETERS: dict[str, Part] = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A name for this write, which is then done once however often it is repeated",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "The ETag of an earlier answer: nothing is changed if it was changed since",
        "schema": {"type": "string"},
    },
    "Reason": {
        "name": "Recuro-Reason",
        "in": "header",
        "description": "Why, for the audit trail",
        "schema": {"type": "string", "maxLength": 500},
    },
    "RequestId": {
        "name": "X-Request-Id",
        "in": "header",
        "description": "An id for the request, which its answer and the log carry: 1 to 128 letters, digits "
        "or any of `._~:/+=@-`; another is replaced by a new one",
        "schema": {"type": "string"},
    },
}
_EXAMPLES = examples.read()
_SHOWN = {
    401: {"WWW-Authenticate": "Challenge"},
    429: {"Retry-After": "RetryAfter", "RateLimit": "RateLimit", "RateLimit-Policy": "RateLimitPolicy"},
    503: {"Retry-After": "RetryAfter"},
}


def document() -> dict[str, Any]:
    """The whole document, as JSON."""
    schemas = Schemas(_taken(OPERATIONS), _answered(OPERATIONS))
    paths: dict[str, Part] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Recuro",
            "version": VERSION,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{TOKEN: []}],
        "tags": [{"name": name, "description": said} for name, said in TAGS.items()],
        "paths": paths | open_paths.paths(schemas),
        "components": {
            "schemas": schemas.all(),
            "responses": {str(status): _error(status, schemas) for status in errors.DESCRIPTIONS},
            "headers": HEADERS,
            "parameters": PARAMETERS,
            "securitySchemes": {
                TOKEN: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of the scope write covers read, of admin both.",
                }
            },
        },
    }


def _taken(operations: Iterable[Operation]) -> list[type[Schema]]:
    return [operation.takes for operation in operations if operation.takes]


def _answered(operations: Iterable[Operation]) -> list[type[Schema]]:
    ours = [model for operation in operations for model in operation.answers.values()]
    return [*ours, *open_paths.ANSWERS, errors.Error, errors.InvalidFields]


def _operation(operation: Operation, schemas: Schemas) -> Part:
    said: Part = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [_tag_of(operation)],
        "security": [{TOKEN: [operation.scope]}],
        "parameters": [
            *_in_path(operation),
            *_in_query(operation),
            *_in_header(operation),
        ],
    }
    if operation.takes:
        said["requestBody"] = _body(operation, operation.takes, schemas)
    said["responses"] = {
        **{str(status): _answer(operation, status, model, schemas) for status, model in _answers(operation)},
        **{
            str(status): {"$ref": f"#/components/responses/{status}"}
            for status in errors.statuses_of(operation)
        },
    }
    return said


def _answers(operation: Operation) -> Iterator[tuple[int, type[Schema]]]:
    """By their status; what awaits an end has one for each way in which the wait may go."""
    answers = dict(operation.answers)
    if operation.awaits_end:
        (model,) = answers.values()
        answers = dict.fromkeys((200, 202), model)
    yield from answers.items()


def _tag_of(operation: Operation) -> str:
    """The noun of the path: `/api/dead-letters/{id}` is of the dead letters."""
    noun, *more = operation.path.removeprefix("/api/").split("/")
    return more[0] if noun == "settings" else noun


_ID = {"type": "integer", "minimum": 1, "maximum": 2**53}
_KEY = {"type": "string", "pattern": f"^{PATH_KEY.pattern}$"}


def _in_path(operation: Operation) -> list[Part]:
    return [
        {
            "name": each.name,
            "in": "path",
            "required": True,
            "schema": _ID if each.type is int else _KEY,
        }
        for each in operation.ids
    ]


def _in_query(operation: Operation) -> list[Part]:
    if not operation.query:
        return []
    schema = operation.query.model_json_schema()
    models = schema.get("$defs", {})
    return [
        _query_parameter(name, part, models, is_required=name in schema.get("required", ()))
        for name, part in schema["properties"].items()
    ]


def _query_parameter(name: str, part: Part, models: Part, *, is_required: bool) -> Part:
    part = _inlined(without_null(part), models)
    part.pop("title", None)
    said = {"name": name, "in": "query", "schema": part}
    if text := part.pop("description", ""):
        said["description"] = text
    return {**said, "required": True} if is_required else said


def _inlined(part: Part, models: Part) -> Part:
    """The enum itself instead of a reference to it."""
    match part:
        case {"$ref": str(name), **rest}:
            model = models[name.rpartition("/")[2]]
            return {key: value for key, value in model.items() if key != "title"} | rest
    return dict(part)


def _in_header(operation: Operation) -> list[Part]:
    names = ["IdempotencyKey", "Reason", "RequestId"] if operation.is_write else ["RequestId"]
    if operation.takes_version:
        names.insert(0, "IfMatch")
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _body(operation: Operation, takes: type[Schema], schemas: Schemas) -> Part:
    content: Part = {"schema": schemas.taken(takes)}
    if operation.example:
        content["example"] = operation.example
    return {"required": operation.empty is None, "content": {"application/json": content}}


def _answer(operation: Operation, status: int, model: type[Schema], schemas: Schemas) -> Part:
    shown = {"X-Request-Id": "RequestId"}
    if operation.is_write:
        shown["Idempotent-Replayed"] = "Replayed"
    if operation.has_version and operation.method != "DELETE":
        shown["ETag"] = "Version"
    if (operation.awaits_end or operation.location) and status == 202:
        shown["Location"] = "Location"
        if not operation.is_write:  # what is begun need not be waited for
            shown["Retry-After"] = "RetryAfter"
    said: Part = {
        "description": _MEANINGS_OF_WAITS[status] if operation.awaits_end else _MEANINGS[status],
        "headers": {name: {"$ref": f"#/components/headers/{header}"} for name, header in shown.items()},
        "content": {"application/json": _shown(operation, status, schemas.answered(model))},
    }
    links = {one.name: _link(one, model) for one in OPERATIONS if _is_of_what_is_made(one, operation)}
    return {**said, "links": links} if links else said


def _shown(operation: Operation, status: int, schema: Part) -> Part:
    shown = _EXAMPLES.get(operation.name, {}).get(str(status))
    return {"schema": schema} if shown is None else {"schema": schema, "example": shown}


def _is_of_what_is_made(one: Operation, by: Operation) -> bool:
    return by.is_write and by.method == "POST" and len(one.ids) == 1 and one.path.startswith(f"{by.path}/{{")


def _link(to: Operation, model: type[Schema]) -> Part:
    """With the id of what was answered: `job_id`, or `id`."""
    (of,) = to.ids
    field = of.name if of.name in model.model_fields else "id"
    return {"operationId": to.name, "parameters": {of.name: f"$response.body#/{field}"}}


_MEANINGS_OF_WAITS = {
    200: "It has ended, or nobody waits",
    202: "It has not ended: Location says where to ask on",
}
_MEANINGS = {200: "Done", 201: "Made", 202: "Begun: it goes on in the background"}


def _error(status: int, schemas: Schemas) -> Part:
    shown = {"X-Request-Id": "RequestId", **_SHOWN.get(status, {})}
    content = {"schema": schemas.answered(errors.model_of(status)), "example": errors.EXAMPLES[status]}
    return {
        "description": errors.DESCRIPTIONS[status],
        "headers": {name: {"$ref": f"#/components/headers/{header}"} for name, header in shown.items()},
        "content": {"application/json": content},
    }
