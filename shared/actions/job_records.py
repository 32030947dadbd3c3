"""Jobs as they are stored, and as callers see them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic_core import to_json

from shared.schemas.jobs import FinalStatus, Job, JobFilter, JobStatus
from shared.schemas.runs import Run
from shared.security.vault import shown
from shared.store import excerpts, makers, records, stored
from shared.store.lenient import Reader
from shared.store.records import Fields
from shared.store.transitions import StoredJob

STATES = [state.value for state in JobFilter if state != JobFilter.ALL]
FAILED = ["failed", "retrying", "dead_lettered"]
ENDED = ["completed", *FAILED]
_FINAL = {
    "completed": FinalStatus.SUCCESS,
    "retrying": FinalStatus.RETRYING,
    "dead_lettered": FinalStatus.DEAD_LETTERED,
}
KEPT_CHARACTERS = 65_536
"""How many characters of the request's body a run shows."""


def of_row(row: StoredJob) -> Job:
    reader = Reader()
    spec, (ran, _) = reader.spec(row.spec), reader.run(row.run)
    return _job(int(row.id), records.fields_of(row.fields), spec.fields, _Around(row.queue, ran, reader))


def excerpt_of(row: StoredJob) -> Job:
    reader = Reader()
    spec, (ran, unread) = reader.spec(row.spec), reader.run(row.run)
    job = _job(int(row.id), records.fields_of(row.fields), spec.fields, _Around(row.queue, ran, reader))
    return excerpts.of_job(job, [*spec.unread, *(f"run.{name}" for name in unread)])


class _Around(NamedTuple):
    """What belongs to a job outside its own record."""

    queue: str
    run: Run | None
    reader: Reader


def _job(job_id: int, fields: Fields, spec: dict[str, Any], around: _Around) -> Job:
    reader, (status, final) = around.reader, status_of(fields, around.reader)
    payload = payload_of(spec, reader)
    job = reader.model(
        Job,
        {
            "method": "POST",
            **spec,
            "url": spec.get("url", ""),
            "headers": shown(_headers(spec)),
            "payload": payload,
            "id": job_id,
            "queue": around.queue,
            "queue_id": fields["queue"],
            "status": status,
            "final_status": final,
            "attempt_number": reader.number(fields, "attempt", 1),
            "is_retry": "origin" in fields,
            "delay_seconds": 0 if "replay_of" in fields else spec.get("delay", 0),
            "scheduled_at": reader.made(fields, "due"),
            "created_at": reader.made(fields, "created"),
            "run": _with_body(around.run, spec, payload),
            **_chain(job_id, fields, reader),
            "problem_id": fields.get("problem") or None,
            "waits_for": fields.get("waits_for") if status == JobStatus.PENDING else None,
            "callback_url": spec.get("callback_url"),
            "body": spec.get("body"),
            "timeout_seconds": spec.get("timeout_seconds"),
            "retry_delays": spec.get("retry_delays"),
            "idempotency_key": key_of(spec, fields),
            "expires_at": reader.instant(fields, "expires"),
            "labels": spec.get("labels", {}),
            "key": fields.get("key"),
            "created_by": makers.of(fields),
        },
    )
    return job if reader.problem is None else job.model_copy(update={"problem": reader.problem})


def _chain(job_id: int, fields: Fields, reader: Reader) -> dict[str, Any]:
    """The job's chain: its original, its retry, its replays, and how they ended."""
    replays = {name: fields.get(name) for name in ("replay_of", "replayed_as")}
    return {
        "original_job_id": fields.get("origin", job_id),
        "has_pending_retry": "pending_retry" in fields,
        "dead_lettered_at": reader.instant(fields, "dead_at"),
        "callback_status": records.callback_status(fields),
        "retry_ids": [int(one) for one in fields.get("retries", "").split(",") if _is_id(one)],
        **replays,
    }


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _headers(spec: Mapping[str, Any]) -> dict[str, str] | None:
    found = spec.get("headers")
    return found if isinstance(found, dict) else None


def payload_of(spec: Mapping[str, Any], reader: Reader) -> Any:
    if "payload_json" not in spec:
        return spec.get("payload")
    try:
        return stored.read_payload(spec["payload_json"])
    except (ValueError, TypeError):
        reader.note("payload", "it is no JSON")
        return None


def _with_body(run: Run | None, spec: dict[str, Any], payload: Any) -> Run | None:
    """The run with what all attempts carry, if the request was sent."""
    if run is None or run.request_headers is None:
        return run
    text = spec.get("payload_json", spec.get("body") if payload is None else to_json(payload).decode())
    sent: dict[str, Any] = {"request_method": spec.get("method", "POST"), "request_url": spec.get("url")}
    if text is not None:
        sent |= {"request_body": text[:KEPT_CHARACTERS], "request_truncated": len(text) > KEPT_CHARACTERS}
    return run.model_copy(update=sent)


def key_of(spec: Mapping[str, Any], fields: Fields) -> str | None:
    """The name of what it shall do once: its caller's, or ours."""
    headers = _headers(spec) or {}
    given = (value for name, value in headers.items() if name.lower() == "idempotency-key")
    return next(given, fields.get("intent"))


def status_of(fields: Fields, reader: Reader) -> tuple[str, str | None]:
    """Status and final status of a stored state; a newer version may have stored one that is unknown here."""
    state = fields.get("state", "")
    if state not in STATES:
        reader.note("state", f"{state[:20] or 'nothing'} is none that is known here")
        return JobStatus.FAILED, None
    final = fields.get("final") if state == "failed" else _FINAL.get(state)
    return (JobStatus.FAILED if state in FAILED else JobStatus(state)), final
