"""The arguments of each tool: the REST models, and where MCP differs from REST."""

from typing import Annotated

from pydantic import AfterValidator, Field

from shared.schemas.base import NO_BOOL, Id, Method, Name, Schema, Searched
from shared.schemas.crons import CronCreate, CronFilter, CronQuery, CronSpec, CronSpecUpdate, CronUpdate
from shared.schemas.jobs import JobFilter, JobQuery, JobSpec
from shared.store.idempotency import KEY

_Page = Annotated[int, Field(ge=1, le=10_000_000, description="Page number, from 1"), NO_BOOL]


def _check_key(text: str) -> str:
    if not KEY.fullmatch(text):
        raise ValueError("must hold 1 to 255 visible ASCII characters")
    return text


_Key = Annotated[
    Annotated[str, AfterValidator(_check_key)] | None,
    Field(description="Any text of your own; repeated with the same one, the call is done only once"),
]


class CronCreateArguments(CronSpec):
    """As over REST, but the method defaults to GET."""

    method: Annotated[Method, Field(description="HTTP method")] = Method.GET
    idempotency_key: _Key = None

    def cron(self) -> CronCreate:
        return CronCreate.model_construct(**{name: getattr(self, name) for name in CronSpec.model_fields})


class JobCreateArguments(JobSpec):
    idempotency_key: _Key = None

    def job(self) -> JobSpec:
        given = self.model_fields_set - {"idempotency_key"}
        return JobSpec.model_construct(given, **{name: getattr(self, name) for name in JobSpec.model_fields})


class GetArguments(Schema):
    id: Annotated[Id, Field(description="The ID, as the lists show it")]


class DeleteArguments(GetArguments):
    """What to delete."""

    idempotency_key: _Key = None


class CronUpdateArguments(CronSpecUpdate, GetArguments):
    """Which cron, and the fields to change."""

    idempotency_key: _Key = None

    def changes(self) -> CronUpdate:
        given = self.model_fields_set - {"id", "idempotency_key"}
        return CronUpdate.model_construct(given, **{name: getattr(self, name) for name in given})


class CronListArguments(Schema):
    filter: Annotated[CronFilter, Field(description="Only crons in this state")] = CronFilter.ALL
    search: Annotated[str | None, Field(max_length=200, description="Part of the name or URL")] = None
    page: _Page = 1
    q: Searched = None

    def query(self) -> CronQuery:
        return CronQuery(filter=self.filter, search=self.search, page=self.page, q=self.q)


class JobListArguments(Schema):
    filter: Annotated[JobFilter, Field(description="Only jobs with this status")] = JobFilter.ALL
    search: Annotated[str | None, Field(max_length=200, description="Part of the URL")] = None
    queue_id: Annotated[Id | None, Field(description="Only jobs of this queue")] = None
    page: _Page = 1
    queue: Annotated[Name | None, Field(description="Only jobs of the queue of this name")] = None
    q: Searched = None

    def query(self, queue_id: int | None) -> JobQuery:
        return JobQuery(filter=self.filter, search=self.search, queue_id=queue_id, page=self.page, q=self.q)
