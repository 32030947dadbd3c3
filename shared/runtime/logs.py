"""One line an event on standard error: JSON for machines, or readable for people."""

import json
import logging
import sys

import structlog
from pydantic_core import to_json
from structlog.typing import EventDict, Processor

from shared.settings import Settings, unknown


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
