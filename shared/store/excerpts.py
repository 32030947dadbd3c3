"""Rows of lists: they have the beginning of long values, and name the fields that were cut."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic_core import to_json

from shared.schemas.crons import Cron, Execution
from shared.schemas.jobs import Job
from shared.schemas.runs import Run

EXCERPT_CHARACTERS = 1024
"""How much of a text is kept; of an object, as many of its first fields as fit as JSON."""

V = TypeVar("V")
M = TypeVar("M", Job, Cron, Execution, Run)


class _Scissors:
    """Cuts long values and remembers their names; `unread` are the names of what was already cut."""

    def __init__(self, unread: Sequence[str] = ()) -> None:
        self._cut = dict.fromkeys(unread)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._cut)

    def text(self, name: str, text: str | None) -> str | None:
        if text is None or len(text) <= EXCERPT_CHARACTERS:
            return text
        self._cut[name] = None
        return text[:EXCERPT_CHARACTERS]

    def fields(self, name: str, given: Mapping[str, V] | None) -> Mapping[str, V] | None:
        # That is the sum below, or one more.
        if not given or len(to_json(given)) + len(given) <= EXCERPT_CHARACTERS:
            return given
        kept: dict[str, V] = {}
        left = EXCERPT_CHARACTERS
        for field, value in given.items():
            left -= len(to_json({field: value}))
            if left < 0:
                self._cut[name] = None
                break
            kept[field] = value
        return kept

    def run(self, given: Run | None) -> Run | None:
        if given is None:
            return None
        changes: dict[str, Any] = {
            "response_body": self.text("run.response_body", given.response_body),
            "response_headers": self.fields("run.response_headers", given.response_headers),
            "request_headers": self.fields("run.request_headers", given.request_headers),
            "request_body": self.text("run.request_body", given.request_body),
        }
        return _changed(given, changes)


def _changed(model: M, changes: Mapping[str, Any]) -> M:
    """The model itself where nothing was cut, as of most."""
    if all(getattr(model, name) is value for name, value in changes.items()):
        return model
    return model.model_copy(update=changes)


def of_job(job: Job, unread: Sequence[str] = ()) -> Job:
    scissors = _Scissors(unread)
    changes = {
        "headers": scissors.fields("headers", job.headers),
        "payload": scissors.fields("payload", job.payload),
        "body": scissors.text("body", job.body),
        "run": scissors.run(job.run),
    }
    return _changed(job, {**changes, "cut": scissors.names})


def of_cron(cron: Cron, unread: Sequence[str] = ()) -> Cron:
    scissors = _Scissors(unread)
    changes = {
        "headers": scissors.fields("headers", cron.headers),
        "payload": scissors.text("payload", cron.payload),
        "last_response": scissors.text("last_response", cron.last_response),
    }
    return _changed(cron, {**changes, "cut": scissors.names})


def of_execution(execution: Execution, unread: Sequence[str] = ()) -> Execution:
    scissors = _Scissors(unread)
    run = scissors.run(execution.run)
    return _changed(execution, {"run": run, "cut": scissors.names})
