"""`recuro healthcheck`: whether a service of this machine is alive, for images that have no curl."""

import socket

import httpx

from services.cli.places import url_of
from shared import health, store
from shared.errors import Damaged
from shared.settings import Settings

PATIENCE_SECONDS = 3.0


async def check(settings: Settings, service: str) -> bool:
    """Ask the API and MCP over HTTP, look for the others' signs of life in Redis."""
    match service:
        case "api":
            return await _answers(url_of(settings.api_host, settings.api_port))
        case "mcp":
            return await _answers(url_of(settings.mcp_host, settings.mcp_port))
        case _:
            return await _left_a_sign(settings, service)


async def _answers(url: str) -> bool:
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as client:
            return (await client.get(f"{url}/healthz")).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


async def _left_a_sign(settings: Settings, service: str) -> bool:
    redis = store.connect(settings)
    try:
        return await health.alive(redis, service, socket.gethostname())
    except (Damaged, *store.AWAY):
        return False
    finally:
        await redis.aclose()
