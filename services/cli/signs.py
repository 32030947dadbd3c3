"""Look for a sign of life with the full client of Redis, for URLs that `healthcheck` cannot read itself."""

import socket

from services.cli.places import with_redis_nearby
from shared import health, store
from shared.errors import Damaged
from shared.settings import load


async def trouble(service: str) -> str | None:
    """Why no process of that service on this host counts as alive; None if one does."""
    redis = store.connect(with_redis_nearby(load()))
    try:
        is_alive = await health.alive(redis, service, socket.gethostname())
    except (Damaged, *store.AWAY) as error:
        return f"Redis cannot be asked: {store.text_of(error)}"
    finally:
        await redis.aclose()
    return None if is_alive else f"no {service} on this host has given a sign of life lately"
