"""Pages of other origins may call the API only if their origin is named."""

from collections.abc import Iterator

import httpx
import pytest
from pydantic import ValidationError

from services.cli.embedded import EmbeddedServer
from shared.settings import Settings
from tests.api.serving import serving

PAGE, OTHER = "https://app.example.com", "https://other.example.com"


@pytest.fixture(scope="module")
def named(server: EmbeddedServer) -> Iterator[str]:
    """The address of an API that names one origin."""
    with serving(Settings(redis_url=server.url, api_port=0, api_cors_origins=(PAGE,))) as address:
        yield address


async def preflight(address: str, origin: str) -> httpx.Response:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }
    async with httpx.AsyncClient(timeout=30, verify=False) as client:
        return await client.options(f"{address}/api/jobs", headers=headers)


async def test_a_named_origin_may_call_with_a_token(named: str, token: str) -> None:
    asked = await preflight(named, PAGE)
    async with httpx.AsyncClient(timeout=30, verify=False) as client:
        headers = {"Origin": PAGE, "Authorization": f"Bearer {token}"}
        answer = await client.get(f"{named}/api/jobs", headers=headers)

    assert asked.status_code == 200
    assert asked.headers["access-control-allow-origin"] == PAGE
    assert "POST" in asked.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_refusal_can_be_read_by_a_named_origin(named: str) -> None:
    async with httpx.AsyncClient(timeout=30, verify=False) as client:
        answer = await client.get(f"{named}/api/jobs", headers={"Origin": PAGE})

    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == PAGE


async def test_another_origin_may_not(named: str) -> None:
    asked = await preflight(named, OTHER)

    assert "access-control-allow-origin" not in asked.headers


async def test_no_origin_may_by_default(api: str) -> None:
    asked = await preflight(api, PAGE)

    assert asked.status_code == 405
    assert "access-control-allow-origin" not in asked.headers


@pytest.mark.parametrize(
    "value", ["app.example.com", "https://app.example.com/", "https://a b", "ftp://a.example"]
)
def test_what_is_no_origin_is_refused(value: str) -> None:
    with pytest.raises(ValidationError, match="must be origins, as "):
        Settings(api_cors_origins=(value,))
