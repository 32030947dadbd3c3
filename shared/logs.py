"""One line an event on standard error: JSON for machines, or readable for people."""

import logging
import sys

import structlog
from structlog.typing import Processor

from shared.settings import Settings


def configure(settings: Settings, service: str) -> None:
    """Send our events and the libraries' records one way. Never log a token, a header value or a body."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
    ]
    console = settings.log_format == "console"
    render: Processor = (
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
        if console
        else structlog.processors.JSONRenderer()
    )
    if console:
        shared.pop()  # the renderer prints tracebacks itself
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    structlog.contextvars.bind_contextvars(service=service)
