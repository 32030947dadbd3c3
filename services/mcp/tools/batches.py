"""The tool that makes several crons at once, of a list or of a crontab."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Annotated, Any

from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from services.mcp import crontab
from services.mcp.tools import cautions
from services.mcp.tools.crons import CronCreateArguments
from services.mcp.tools.tool import DryRun, Key, Tool
from shared.actions import audit, crons, explain, warnings
from shared.errors import Invalid
from shared.operations import Call
from shared.schemas import validation
from shared.schemas.base import Instant, Schema, Warnings
from shared.schemas.crons import Cron, CronMode, Timezone
from shared.schemas.explain import ExplainQuery
from shared.store import connection, transitions
from shared.store import moments as store_moments

MOST_CRONS = 50
_SHOWN_FIRES = 2


_LISTED = {
    *("name", "url", "cron_expression", "method", "headers"),
    *("payload", "timezone", "is_active", "timeout_seconds"),
}


def _briefly(schema: dict[str, Any]) -> None:
    """The others are taken too; what several crons of one call differ in is listed."""
    schema["properties"] = {name: of for name, of in schema["properties"].items() if name in _LISTED}


class CronLine(CronCreateArguments):
    """One of several crons; they have one key together."""

    dry_run: None = Field(default=None, exclude=True)  # type: ignore[assignment]
    idempotency_key: None = Field(default=None, exclude=True)
    model_config = ConfigDict(json_schema_extra=_briefly)


def _lines_of(text: str, timezone: str) -> list[dict[str, Any]]:
    """The crons of a crontab; raises ValueError, with the line that is wrong."""
    try:
        lines = list(crontab.read(text, timezone))
    except crontab.NoCron as error:
        raise ValueError(f"cannot be taken as it is: {error}") from None
    if len(lines) > MOST_CRONS:
        raise ValueError(f"must have at most {MOST_CRONS} lines that call something; it has {len(lines)}")
    for number, fields in lines:
        try:
            CronLine.model_validate(fields)
        except ValidationError as error:
            (said, *_), *_ = validation.by_field(error, CronLine).values()
            raise ValueError(f"cannot be taken as it is: line {number}: {said}") from None
    return [fields for _, fields in lines]


class CronsCreateArguments(Schema):
    """Crons, or a crontab; not both."""

    crons: Annotated[
        tuple[CronLine, ...], Field(max_length=MOST_CRONS, description="Fields as in create-cron")
    ] = ()
    crontab: Annotated[
        str | None,
        Field(
            max_length=100_000,
            description="Or a crontab's lines with curl or wget; comments name them",
        ),
    ] = None
    timezone: Annotated[Timezone, Field(description="Of the crontab")] = "UTC"
    dry_run: DryRun = False
    idempotency_key: Key = None

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any) -> Any:
        """A crontab as its crons; what is wrong with it is said at its field."""
        if not isinstance(given, dict) or not isinstance(given.get("crontab"), str):
            return given
        if given.get("crons"):
            raise ValueError("The crons field must not be given beside crontab: give one of them")
        timezone = given.get("timezone")
        try:
            crons = _lines_of(given["crontab"], timezone if isinstance(timezone, str) else "UTC")
        except ValueError:
            return given
        return {**given, "crons": crons}

    @field_validator("crontab")
    @classmethod
    def _is_readable(cls, text: str | None) -> str | None:
        if text is not None:
            _lines_of(text, "UTC")
        return text

    @model_validator(mode="after")
    def _has_some(self) -> "CronsCreateArguments":
        if not self.crons:
            raise ValueError("The crons field is required, with one cron at least, or a crontab")
        return self


class CronLineMade(Schema):
    """A cron that was made, or would be: `id` is null then."""

    id: int | None
    name: str
    url: str
    cron_expression: str
    timezone: str
    mode: Annotated[CronMode, Field(exclude_if=lambda mode: mode == CronMode.REQUEST)] = CronMode.REQUEST
    means: str
    next_runs: list[Instant]
    warnings: Warnings = ()


class CronsMade(Schema):
    dry_run: bool
    crons: list[CronLineMade]


async def _create(call: Call, arguments: CronsCreateArguments) -> CronsMade:
    """Each is made once under the key of the call; then a line in the audit trail names them all."""
    if arguments.dry_run:
        seen = zip(arguments.crons, await _would_be(call, arguments.crons), strict=True)
        return CronsMade(dry_run=True, crons=[await _line(call, line, cron) for line, cron in seen])
    if (done := await transitions.recall(call.redis, call.key)) is not None:
        return CronsMade.model_validate_json(done)
    await _would_be(call, arguments.crons)
    made = list[CronLineMade]()
    for number, line in enumerate(arguments.crons):
        with connection.begun() if made else nullcontext():
            cron = await crons.create(call.part(number, f"cron {number}"), line.cron())
        made.append(await _line(call, line, cron))
    text = CronsMade(dry_run=False, crons=made).model_dump_json()
    with connection.begun():
        kept = await transitions.note_bulk(
            call.redis,
            call.team,
            [str(one.id) for one in made],
            noun="cron",
            text=text,
            write=call.write(audit.made(count=str(len(made)))),
        )
    return CronsMade.model_validate_json(kept)


async def _would_be(call: Call, lines: Sequence[CronLine]) -> list[Cron]:
    """Each as it would be made now, with 0 for its id; raises what making one would, with its place."""
    now, seen = await store_moments.now(call.redis, call.team.shard), list[Cron]()
    for number, line in enumerate(lines):
        try:
            seen.append(await crons.would_be(call, line.cron(), now))
        except Invalid as error:
            raise Invalid(f"crons.{number}.{error.field}", str(error)) from None
    return seen


async def _line(call: Call, line: CronLine, cron: Cron) -> CronLineMade:
    said = await warnings.saved_cron(call.redis, call.team, cron)
    return CronLineMade(
        id=cron.id or None,
        name=cron.name,
        url=cron.url,
        cron_expression=cron.cron_expression,
        timezone=cron.timezone,
        mode=cron.mode,
        means=explain.describe(_query(line)),
        next_runs=cron.next_runs[:_SHOWN_FIRES],
        warnings=(*cautions.of_heartbeat(cron), *said.warnings),
    )


def _query(line: CronLine) -> ExplainQuery:
    return ExplainQuery(
        cron_expression=line.cron_expression, timezone=line.timezone, timeout_seconds=line.timeout_seconds
    )


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "create-crons",
        "Create several crons",
        f"Create up to {MOST_CRONS} crons, or those of a crontab, or none if one is wrong.",
        CronsCreateArguments,
        CronsMade,
        _create,
        look="list-crons",
        meets_outside=False,
        operations=("create-cron", "explain-schedule"),
    ),
)
