"""One line an event on standard error: JSON for machines, or readable for people."""

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import structlog
from pydantic_core import to_json
from structlog.typing import EventDict, Processor

from shared.settings import Settings, unknown

WHOLE_BYTES = 4096
"""So much a pipe takes whole: several processes may write to one, and must not cut each other's lines."""


def configure(settings: Settings, service: str) -> None:
    """Set up logging for our events and the libraries' records. Log no token, header value or body.

    The first events name variables that are set and that nothing reads.
    """
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    render = _console() if settings.log_format == "console" else _json()
    structlog.configure(
        processors=[*before, *render],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=[remove, *render])
    )
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    structlog.contextvars.bind_contextvars(service=service)
    for name, meant in unknown().items():
        structlog.get_logger().warning("unknown_setting", name=name, meant=meant)


def tell_many(event: str, told: Sequence[tuple[datetime, Mapping[str, object]]]) -> None:
    """As `info` with each of these fields, of the moment (UTC) that stands before them.

    What comes with every request is rendered by the shortest way: structlog took ten times as long.
    """
    log, ways = structlog.get_logger(), structlog.get_config()
    if ways["processors"][-1] is not _as_json:  # people and tests read few of them
        for _, fields in told:
            log.info(event, **fields)
    elif log.is_enabled_for(logging.INFO):
        around = structlog.contextvars.get_contextvars()
        write = ways["logger_factory"]().msg
        for lines in _whole(_line(event, fields, around, moment) for moment, fields in told):
            write(lines)


def _line(event: str, fields: Mapping[str, object], around: Mapping[str, object], moment: datetime) -> str:
    at = moment.isoformat().replace("+00:00", "Z")
    return _as_json(None, "info", {**fields, "event": event, **around, "level": "info", "at": at})


def _whole(lines: Iterator[str]) -> Iterator[str]:
    """Those together that are written whole."""
    some = ""
    for line in lines:
        if some and len(some) + len(line) + 2 > WHOLE_BYTES:
            yield some
            some = ""
        some = f"{some}\n{line}" if some else line
    if some:
        yield some


def _json() -> list[Processor]:
    return [structlog.processors.format_exc_info, _as_json]


def _as_json(_logger: object, _method: str, event: EventDict) -> str:
    """An unknown type as its text, and what is no Unicode escaped: writing a log line must never fail."""
    try:
        return to_json(event, fallback=str).decode()
    except ValueError:
        return json.dumps(event, separators=(",", ":"), default=str)


def _console() -> list[Processor]:
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
