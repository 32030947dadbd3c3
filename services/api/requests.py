"""What a request asks: its body, its query and the ids in its path, checked."""

import hashlib
import json
import math
import re
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from services.api.errors import Malformed, Refused, TooLarge, Unconditional
from shared.errors import NotFound
from shared.operations import Operation, PathId
from shared.schemas.base import Schema
from shared.schemas.validation import by_field
from shared.security.vault import Vault
from shared.store.idempotency import KEY, IdempotencyKey
from shared.store.keyspace import Team
from shared.store.writes import REASON_CHARACTERS

T = TypeVar("T", bound=BaseModel)

MAX_BODY_BYTES = 1_048_576
MAX_ID = 2**53
CLIENT_CHARACTERS = 100

_ETAG = re.compile(r'(?:W/)?"[!#-~\x80-\xff]*"')
_ETAGS = re.compile(rf"\s*{_ETAG.pattern}(?:\s*,\s*{_ETAG.pattern})*\s*")
PATH_KEY = re.compile(r"[A-Za-z0-9._~:@+-]{1,255}")
_ID = re.compile(r"[1-9][0-9]{0,15}")
# pydantic reads NaN, Infinity and 1e999, which are not JSON or no number that JSON can carry on.
_MAYBE_NOT_FINITE = re.compile(rb"NaN|Infinity|[eE]\+?[0-9]{3}|[0-9]{309}")


def body_of(raw: bytes, operation: Operation) -> Schema:
    """The body as the model that the operation takes; raises Malformed or Refused."""
    assert operation.takes
    if not raw and operation.empty:
        return operation.empty
    body = parsed(raw, operation.takes)
    if operation.is_change and not body.model_fields_set:
        fields = ", ".join(operation.takes.model_fields)
        raise Refused({"body": [f"At least one field is required: {fields}."]})
    return body


def parsed(raw: bytes, model: type[T]) -> T:
    """A body as `model`; raises Malformed or Refused."""
    if _MAYBE_NOT_FINITE.search(raw):
        _check_finite(raw)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise _refusal_of(error, model) from None


async def beginning_of(request: Request, most_bytes: int) -> tuple[str, str]:
    """So much of the body, whatever it is, as text, and a digest of all if that is more; raises TooLarge.

    For callers whom nobody knows: of what they send no more is kept, however many send at once.
    """
    beginning, size, digest, more = bytearray(), 0, hashlib.sha256(), True
    while more:
        part, more = await _next_of(request, size)
        beginning += part[: most_bytes - len(beginning)]
        size += len(part)
        digest.update(part)
    return beginning.decode("utf-8", "replace"), digest.hexdigest() if size > most_bytes else ""


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


def id_of(request: Request, which: PathId) -> int | str:
    """An id in the path, or a key; NotFound if there can be no such id, Refused for what is no key."""
    text: str = request.path_params[which.name]
    if which.type is str:
        if not PATH_KEY.fullmatch(text):
            raise Refused(
                {which.name: [f"The {which.name} in the path must be 1 to 255 of A-Z a-z 0-9 . _ ~ : @ + -"]}
            )
        return text
    if not _ID.fullmatch(text) or int(text) > MAX_ID:
        raise NotFound(which.noun)
    return int(text)


def header_of(request: Request, name: bytes) -> str | None:
    """The first header of that name, in lower case: a few are asked for by every request."""
    for each, value in request.scope["headers"]:
        if each == name:
            text: str = value.decode("latin-1")
            return text
    return None


def key_text_of(request: Request) -> str | None:
    """The caller's `Idempotency-Key`, if there is one; raises Refused for one that is no key."""
    given = header_of(request, b"idempotency-key")
    if given is None:
        return None
    text = given.strip(" \t")  # blanks around it are none of it
    if not KEY.fullmatch(text):
        sentence = "The Idempotency-Key header must hold 1 to 255 visible ASCII characters."
        raise Refused({"Idempotency-Key": [sentence]})
    return text


def client_of(request: Request) -> str:
    """What the caller's program calls itself, as far as it is shown."""
    return (header_of(request, b"user-agent") or "")[:CLIENT_CHARACTERS]


def reason_of(request: Request) -> str:
    """Why the caller makes a write, for the audit trail; raises Refused for one that is too long."""
    reason = (header_of(request, b"recuro-reason") or "").strip()
    if len(reason) > REASON_CHARACTERS:
        sentence = f"The Recuro-Reason header must hold {REASON_CHARACTERS} characters at most."
        raise Refused({"Recuro-Reason": [sentence]})
    return reason


def versions_of(request: Request) -> frozenset[str] | None:
    """Those that the caller would change (`If-Match`, RFC 9110), or nothing if any may be.

    Ours are versions, and strong; proxies that compress make them weak, and mean the same.

    Raises Refused for what is no ETag, and Unconditional where the installation wants one and there is none.
    """
    given = header_of(request, b"if-match")
    if given is None:
        if request.state.requires_if_match:
            raise Unconditional
        return None
    if given.strip() == "*":
        return None
    if not _ETAGS.fullmatch(given):
        sentence = 'The If-Match header must hold the ETag of an answer, as "7", or several with commas.'
        raise Refused({"If-Match": [sentence]})
    return frozenset(tag.removeprefix("W/")[1:-1] for tag in _ETAG.findall(given))


def key_of(request: Request, team: Team, text: str | None, *given: str) -> IdempotencyKey | None:
    """The key of that text for what is given to this method and path, or nothing without one."""
    if text is None:
        return None
    vault: Vault = request.state.admission.vault
    return IdempotencyKey.of(team, text, vault.digests(request.method, request.scope["path"], *given))


async def raw_of(request: Request) -> bytes:
    """The body as it came; raises TooLarge."""
    part, more = await _next_of(request, 0)
    if not more:
        return part
    body = bytearray(part)
    while more:
        part, more = await _next_of(request, len(body))
        body += part
    return bytes(body)


async def _next_of(request: Request, size: int) -> tuple[bytes, bool]:
    """What comes of the body after so many bytes, and whether there is more; raises TooLarge."""
    declared = header_of(request, b"content-length")
    if declared and int(declared) > MAX_BODY_BYTES:
        raise TooLarge
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    part: bytes = message.get("body", b"")
    if size + len(part) > MAX_BODY_BYTES:
        raise TooLarge
    return part, message.get("more_body", False)


def _check_finite(raw: bytes) -> None:
    try:
        json.loads(raw, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):
        return  # malformed or too deep: pydantic says it better


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise Malformed(f"The body is not valid JSON: {text[:20]} is no finite number")
    return value


def _refusal_of(error: ValidationError, model: type[BaseModel]) -> Malformed | Refused:
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return Malformed(f"The body is not valid JSON: {first['msg'].removeprefix('Invalid JSON: ')}")
    return Refused(by_field(error, model))
