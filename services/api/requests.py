"""What a request asks: its body, its query and the ids in its path, checked."""

import hashlib
import json
import math
import re
from collections.abc import AsyncIterator
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from services.api.errors import Malformed, Refused, TooLarge
from shared.errors import NotFound
from shared.idempotency import KEY, IdempotencyKey
from shared.keyspace import Team
from shared.validation import by_field
from shared.vault import Vault

T = TypeVar("T", bound=BaseModel)

MAX_BODY_BYTES = 1_048_576
MAX_ID = 2**53

_ID = re.compile(r"[1-9][0-9]{0,15}")
# pydantic reads NaN, Infinity and 1e999, which are not JSON or no number that JSON can carry on.
_MAYBE_NOT_FINITE = re.compile(rb"NaN|Infinity|[eE]\+?[0-9]{3}|[0-9]{309}")


async def body_of(request: Request, model: type[T], *, empty: T | None = None) -> T:
    """The body as `model`, or `empty` for none; raises TooLarge, Malformed or Refused."""
    raw = await raw_of(request)
    if not raw and empty is not None:
        return empty
    return parsed(raw, model)


def parsed(raw: bytearray, model: type[T]) -> T:
    """A body as `model`; raises Malformed or Refused."""
    if _MAYBE_NOT_FINITE.search(raw):
        _check_finite(raw)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise _told(error, model) from None


async def beginning_of(request: Request, most_bytes: int) -> tuple[str, str]:
    """So much of the body, whatever it is, as text, and a digest of all if that is more; raises TooLarge.

    For callers whom nobody knows: of what they send no more is kept, however many send at once.
    """
    beginning, size, digest = bytearray(), 0, hashlib.sha256()
    async for part in _parts_of(request):
        beginning += part[: most_bytes - len(beginning)]
        size += len(part)
        digest.update(part)
    return beginning.decode("utf-8", "replace"), digest.hexdigest() if size > most_bytes else ""


async def changes_of(request: Request, model: type[T]) -> T:
    """The body of an update, which must name a field at least."""
    asked = await body_of(request, model)
    if not asked.model_fields_set:
        fields = ", ".join(model.model_fields)
        raise Refused({"body": [f"At least one field is required: {fields}."]})
    return asked


def query_of(request: Request, model: type[T]) -> T:
    """The query parameters as `model`; an unknown one, or one given twice, is refused."""
    given: dict[str, str | list[str]] = {}
    for name, value in request.query_params.multi_items():
        if name in given:
            raise Refused({name[:80]: [f"The {name[:80]} field must be given once."]})
        given[name] = value
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Refused(by_field(error, model)) from None


def id_of(request: Request, noun: str) -> int:
    """The id of a cron, job, queue or execution in the path; NotFound if there can be no such id."""
    text = request.path_params[f"{noun.lower()}_id"]
    if not _ID.fullmatch(text) or int(text) > MAX_ID:
        raise NotFound(noun)
    return int(text)


def key_of(request: Request, team: Team, asked: BaseModel | None = None, *more: str) -> IdempotencyKey | None:
    """The caller's `Idempotency-Key` for what is asked, or nothing; raises Refused for one that is no key."""
    given = request.headers.get("idempotency-key")
    if given is None:
        return None
    text = given.strip(" \t")  # blanks around it are none of it
    if not KEY.fullmatch(text):
        sentence = "The Idempotency-Key header must hold 1 to 255 visible ASCII characters."
        raise Refused({"Idempotency-Key": [sentence]})
    body = asked.model_dump_json(exclude_unset=True) if asked else ""
    vault: Vault = request.state.admission.vault
    digests = vault.digests(request.method, request.scope["path"], body, *more)
    key = IdempotencyKey.of(team, text, digests)
    request.state.key = key  # whether it was used is told with the answer
    return key


async def raw_of(request: Request) -> bytearray:
    """The body as it came; raises TooLarge."""
    body = bytearray()
    async for part in _parts_of(request):
        body += part
    return body


async def _parts_of(request: Request) -> AsyncIterator[bytes]:
    """What comes of the body; raises TooLarge."""
    declared = request.headers.get("content-length")
    if declared and int(declared) > MAX_BODY_BYTES:
        raise TooLarge
    size, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise TooLarge
        yield part
        more = message.get("more_body", False)


def _check_finite(raw: bytearray) -> None:
    try:
        json.loads(raw, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        return  # malformed or too deep: pydantic says it better


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Malformed(f"The body is not valid JSON: {text[:20]} is no finite number")
    return value


def _told(error: ValidationError, model: type[BaseModel]) -> Malformed | Refused:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return Malformed(f"The body is not valid JSON: {first['msg'].removeprefix('Invalid JSON: ')}")
    return Refused(by_field(error, model))
