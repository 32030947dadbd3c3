"""Rows as a search looks at them: of what is stored, only that is read which its keys ask for."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from shared.actions import job_records
from shared.schemas.base import Method
from shared.schemas.crons import CronMode
from shared.store import records, stored
from shared.store.lenient import Reader
from shared.store.records import Fields
from shared.store.transitions import StoredCron, StoredJob


class LookedRun:
    """A run's short fields, None where it has none."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.response_status = _number(fields.get("response_status"))
        self.duration_ms = _number(fields.get("duration_ms"))
        self.failure_reason: str | None = fields.get("failure_reason")


class LookedJob:
    """As `Job` under the names that it has there, as far as keys of a search read it."""

    def __init__(self, row: StoredJob) -> None:
        self._row = row
        self.id = int(row.id)
        self.queue = row.queue

    @cached_property
    def _fields(self) -> Fields:
        return records.fields_of(self._row.fields)

    @cached_property
    def _spec(self) -> dict[str, Any]:
        return Reader().spec(self._row.spec).fields

    @cached_property
    def _statuses(self) -> tuple[str, str | None]:
        return job_records.status_of(self._fields, Reader())

    @property
    def status(self) -> str:
        return self._statuses[0]

    @property
    def final_status(self) -> str | None:
        return self._statuses[1]

    @property
    def queue_id(self) -> int:
        return Reader().number(self._fields, "queue")

    @property
    def url(self) -> str:
        return str(self._spec.get("url", ""))

    @property
    def method(self) -> str:
        return str(self._spec.get("method", Method.POST))

    @property
    def created_at(self) -> datetime:
        return Reader().made(self._fields, "created")

    @property
    def attempt_number(self) -> int:
        return Reader().number(self._fields, "attempt", 1)

    @property
    def labels(self) -> Mapping[str, str]:
        return _labels(self._spec)

    @property
    def idempotency_key(self) -> str | None:
        return job_records.key_of(self._spec, self._fields)

    @property
    def payload(self) -> Any:
        return job_records.payload_of(self._spec, Reader())

    @cached_property
    def run(self) -> LookedRun | None:
        if not self._row.run:
            return None
        try:
            return LookedRun(stored.read_run(self._row.run).fields)
        except (ValueError, LookupError, TypeError):  # no JSON of a run
            return None


class LookedCron:
    """As `Cron` under the names that it has there, as far as keys of a search read it."""

    def __init__(self, row: StoredCron) -> None:
        self.id = int(row.id)
        self._fields = records.fields_of(row.fields)
        spec = Reader().spec(self._fields.get("spec")).fields
        self.name, self.url = str(spec.get("name", "")), str(spec.get("url", ""))
        self.method, self.mode = spec.get("method", Method.POST), spec.get("mode", CronMode.REQUEST)
        self.timezone = str(spec.get("timezone", "UTC"))
        self.key, self.labels = self._fields.get("key"), _labels(spec)
        self.is_active = self._fields.get("is_active") == "1"
        self.is_alerted = "alerted" in self._fields
        self.has_ended = self.is_active and not self._fields.get("next") and bool(spec)

    @property
    def consecutive_failures(self) -> int:
        return Reader().number(self._fields, "failures")

    @property
    def created_at(self) -> datetime:
        return Reader().made(self._fields, "created")


def _labels(spec: Mapping[str, Any]) -> Mapping[str, str]:
    found = spec.get("labels")
    return found if isinstance(found, dict) else {}


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) else None
