"""/healthz and /readyz, the same in every service that answers HTTP, and without a token."""

from contextlib import suppress

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError
from starlette.responses import JSONResponse, Response

from shared.errors import Damaged
from shared.runtime import health
from shared.runtime.steadily import Troubles
from shared.store.care import overdue
from shared.store.connection import AWAY, OutcomeUnknown, text_of

log = structlog.get_logger()

RETRY = {"Retry-After": "1"}
_SAID = 300
"""Characters of what Redis said that are passed on."""


def live() -> Response:
    """200, as long as the process answers."""
    return JSONResponse({"status": "live"})


async def ready(redis: Redis, service: str, troubles: Troubles) -> Response:
    """200 if this process can serve, for Redis takes a write; else 503 and why.

    `overdue_seconds` says for how long work waits for a scheduler; that makes no service unready.
    """
    if troubles.sentences:
        return JSONResponse({"error": "; ".join(troubles.sentences.values())}, 503)
    try:
        await health.require_writable(redis)
        with suppress(Damaged):  # of the signs of all processes: `recuro doctor` names them
            await health.beat(redis, service)
    except OutcomeUnknown as error:  # no caller made this write: why it failed is all there is to say
        cause = error.__cause__
        return unavailable(cause if isinstance(cause, Exception) else error)
    except (Damaged, *AWAY) as error:
        return unavailable(error)
    late = None
    with suppress(Damaged, *AWAY):
        late = int(await overdue.longest(redis))
    return JSONResponse({"status": "ready", "overdue_seconds": late})


def unavailable(error: Exception) -> Response:
    """503, with what Redis said if it said something, and a line in the log."""
    log.warning("redis_away", error=f"{type(error).__name__}: {text_of(error)}")
    if not isinstance(error, ResponseError):
        return JSONResponse({"error": "Storage unavailable"}, 503, RETRY)
    said = f"The storage refused with: {text_of(error)[:_SAID].rstrip('.')}."
    return JSONResponse({"error": "Storage unavailable", "message": said}, 503, RETRY)
