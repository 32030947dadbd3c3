"""What is answered when all is well."""

from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from shared.store.idempotency import IdempotencyKey


def answer(body: BaseModel, status: int = 200, first: tuple[str, ...] = ()) -> Response:
    """A model as JSON, with some of its fields `first`."""
    if not first:
        return Response(body.model_dump_json(), status, media_type="application/json")
    fields = body.model_dump(mode="json")
    return JSONResponse({name: fields[name] for name in first} | fields, status)


def replayed(response: Response, key: IdempotencyKey | None) -> Response:
    """The response, which says so if it is that of a write done before under the same key."""
    if key and key.was_used:
        response.headers["Idempotent-Replayed"] = "true"
    return response
