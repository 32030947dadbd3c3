"""What is answered when all is well."""

import weakref

from starlette.responses import JSONResponse, Response

from shared.schemas.base import Schema
from shared.store.idempotency import IdempotencyKey


def answer(body: Schema, status: int = 200, first: tuple[str, ...] = ()) -> Response:
    """A model as JSON, with some of its fields `first`."""
    if not first:
        return Response(body.as_json(), status, media_type="application/json")
    fields = body.model_dump(mode="json")
    return JSONResponse({name: fields[name] for name in first} | fields, status)


class Shared:
    """The answer to those who waited for the same: they are given one model, which is written once."""

    def __init__(self) -> None:
        self._model: weakref.ref[Schema] | None = None
        self._response: Response | None = None

    def answer(self, body: Schema) -> Response:
        """One response for many, which nobody may change."""
        if self._response is None or self._model is None or self._model() is not body:
            self._response = answer(body)
            self._model = weakref.ref(body, self._forget)
        return self._response

    def _forget(self, model: "weakref.ref[Schema]") -> None:
        """It may be large, and nobody else can want it."""
        if self._model is model:
            self._model = self._response = None


def replayed(response: Response, key: IdempotencyKey | None) -> Response:
    """The response, which says so if it is that of a write done before under the same key."""
    if key and key.was_used:
        response.headers["Idempotent-Replayed"] = "true"
    return response
