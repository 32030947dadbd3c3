"""What is answered when all is well."""

from pydantic import BaseModel
from starlette.responses import Response


def answer(body: BaseModel, status: int = 200) -> Response:
    return Response(body.model_dump_json(), status, media_type="application/json")
