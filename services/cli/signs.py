"""Look for a sign of life with the full client of Redis, for URLs that `healthcheck` cannot read itself."""

import socket

from services.cli.places import with_redis_nearby
from shared.errors import Damaged
from shared.runtime import health
from shared.settings import load
from shared.store import connection


async def trouble(service: str) -> str | None:
    """Why no process of that service on this host counts as alive; None if one does."""
    redis = connection.connect(with_redis_nearby(load()))
    try:
        is_alive = await health.alive(redis, service, socket.gethostname())
    except (Damaged, *connection.AWAY) as error:
        return f"Redis does not answer: {connection.text_of(error)}"
    finally:
        await redis.aclose()
    return None if is_alive else f"no {service} on this host has given a sign of life lately"
