"""Runs an operation for a request: who calls, what is given, what is answered."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import Shared, answer, replayed
from services.api.auth import caller_of
from services.api.envelope import METER
from services.api.requests import (
    body_of,
    client_of,
    id_of,
    key_of,
    key_text_of,
    query_of,
    raw_of,
    reason_of,
    versions_of,
)
from shared.errors import Forbidden, TooManyCalls
from shared.operations import Call, Operation, Versions
from shared.runtime.serving import hang_up, request_ids
from shared.runtime.waiting.ending import Ending
from shared.runtime.waiting.waits import Check
from shared.schemas.base import Schema
from shared.security.caller import Caller
from shared.security.meter import Meter
from shared.store.idempotency import IdempotencyKey


class Runner:
    """An operation as what answers at a route."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._shared = Shared()

    async def __call__(self, request: Request) -> Response:
        caller = await caller_of(request)
        try:
            return await self._answered(request, caller)
        except (Forbidden, TooManyCalls) as error:
            request.state.callers.uses.note_refusal(caller.digest, error.reason)
            raise

    async def _answered(self, request: Request, caller: Caller) -> Response:
        operation, state, meter = self._operation, request.state, None
        # First of all: whoever lacks the scope learns nothing of what else is wrong.
        caller.may(operation.scope)
        if caller.limits and caller.limits.is_counted:
            request.scope[METER] = meter = Meter(state.redis, caller.digest, caller.limits)
            await meter.count(calls=1)
        operation.check(caller)
        given: list[object] = [id_of(request, each) for each in operation.ids]
        key = None
        if operation.query:
            given.append(query_of(request, operation.query))
        if operation.takes:
            prepared, key = await self._prepared(request, caller)
            given.append(prepared)
        elif operation.is_write:
            key = key_of(request, caller.team, key_text_of(request), "", *_whose(caller))
        call = Call(
            caller,
            state.redis,
            state.admission.vault,
            "rest",
            operation.name,
            request_id=request_ids.of(request.scope),
            key=key,
            client=client_of(request),
            reason=reason_of(request) if operation.is_write else "",
            versions=Versions(versions_of(request) if operation.takes_version else None),
            public_url=state.public_url,
            meter=meter,
            ending=_ending(request, caller) if operation.awaits_end else None,
        )
        answered = await operation.run(call, *given)
        return self._response(call, answered)

    def _response(self, call: Call, answered: Schema) -> Response:
        """What is answered, with what the call noted on its way."""
        operation, ending = self._operation, call.ending
        if ending and ending.has_come and not (operation.first or call.versions.answered or call.key):
            return self._shared.answer(answered)
        status, headers = operation.status_of(answered), {}
        if ending and ending.seconds is not None:
            status = 200 if ending.has_come else 202
            if not ending.has_come:
                headers = {"Location": ending.at, "Retry-After": str(ending.retry_seconds)}
        if status == 202 and operation.location:
            headers["Location"] = operation.location.format(id=getattr(answered, "id", ""))
        if call.versions.answered:
            headers["ETag"] = f'"{call.versions.answered}"'
        response = answer(answered, status, operation.first)
        if headers:
            response.headers.update(headers)
        return replayed(response, call.key)

    async def _prepared(self, request: Request, caller: Caller) -> tuple[object, IdempotencyKey | None]:
        """What the function is given of the body, and the caller's key for that."""
        operation = self._operation
        raw = await raw_of(request)
        body = body_of(raw, operation)
        text = key_text_of(request) if operation.is_write else None
        team, admission = caller.team, request.state.admission.within(caller.limits)
        prepared = operation.prepare(admission, team, body, raw)
        if text is None:
            return prepared, None
        more = operation.key_parts(prepared) if operation.key_parts else ()
        given = body.model_dump_json(exclude_unset=True), *more, *_whose(caller)
        return prepared, key_of(request, team, text, *given)


def _ending(request: Request, caller: Caller) -> Ending:
    callers, address = request.state.callers, request.client.host if request.client else ""
    check = Check(caller.digest, partial(callers.as_now, caller, address))
    return Ending(request.state.waits, hang_up.of(request.scope), check)


def _whose(caller: Caller) -> tuple[str, ...]:
    """Answers may have secrets: what one user did under a key is answered to no other."""
    return () if caller.user is None else (f"user {caller.user}",)
