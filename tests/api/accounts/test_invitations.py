"""/api/invitations"""

import hashlib
from datetime import datetime, timedelta

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer
from shared.settings import Settings
from shared.store import account_keys
from tests import lost, people
from tests.api.serving import serving

ADA = {"email": "Ada@Example.com", "role": "admin"}


async def test_an_invitation_shows_its_code_once_and_is_valid_for_a_week(client: AsyncClient) -> None:
    made = (await client.post("/api/invitations", json=ADA)).json()
    code, link = made.pop("code"), made.pop("link")

    begins, ends = (datetime.fromisoformat(made[name]) for name in ("created_at", "expires_at"))
    assert ends - begins == timedelta(days=7)
    assert made == {
        "id": 1,
        "email": "Ada@Example.com",
        "role": "admin",
        "invited_by": "test",
        "created_at": made["created_at"],
        "expires_at": made["expires_at"],
    }
    assert (len(code), link) == (43, None)
    assert (await client.get("/api/invitations/1")).json() == made
    assert (await client.get("/api/invitations")).json()["data"] == [made]


async def test_only_a_digest_of_the_code_is_stored(client: AsyncClient, redis: Redis) -> None:
    code = (await client.post("/api/invitations", json=ADA, headers={"Idempotency-Key": "k"})).json()["code"]

    kept = await lost.everything(redis)
    lines = (await client.get("/api/audit")).text

    assert await redis.exists(account_keys.link(hashlib.sha256(code.encode()).hexdigest()))
    assert not [key for key, value in kept.items() if code in key or code in str(value)]
    assert code not in lines


async def test_a_repeat_under_the_key_has_the_same_code(client: AsyncClient) -> None:
    first, again = [
        await client.post("/api/invitations", json=ADA, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]

    assert first.json() == again.json()
    assert (await client.get("/api/invitations")).json()["total"] == 1


async def test_inviting_an_address_again_ends_the_invitation_before(
    client: AsyncClient, redis: Redis
) -> None:
    before = (await client.post("/api/invitations", json=ADA)).json()["code"]

    answer = await client.post("/api/invitations", json={"email": "ada@example.COM"})

    assert answer.json()["id"] == 2
    assert [one["id"] for one in (await client.get("/api/invitations")).json()["data"]] == [2]
    assert not await redis.exists(account_keys.link(hashlib.sha256(before.encode()).hexdigest()))


async def test_a_member_is_not_invited(client: AsyncClient, redis: Redis) -> None:
    await people.join(redis, "one", 1)

    answer = await client.post("/api/invitations", json={"email": "USER1@example.com"})

    assert answer.status_code == 422
    assert answer.json()["errors"] == {
        "email": ["The email field must be of nobody who is a member already."]
    }


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@example.com", "a b@example.com", "a@b@c", None, 7])
async def test_what_is_no_address_is_refused(client: AsyncClient, email: object) -> None:
    answer = await client.post("/api/invitations", json={"email": email})

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["email"]


async def test_a_cancelled_invitation_is_gone_with_its_link(client: AsyncClient, redis: Redis) -> None:
    await client.post("/api/invitations", json=ADA)

    answer = await client.delete("/api/invitations/1")

    assert answer.json() == {"deleted": True, "id": 1}
    assert (await client.get("/api/invitations/1")).json() == {"error": "Invitation not found"}
    assert await redis.keys(account_keys.link("*")) == []


async def test_where_the_pages_have_an_address_the_answer_has_the_whole_link(
    server: EmbeddedServer, token: str
) -> None:
    settings = Settings(redis_url=server.url, api_port=0, public_url="https://recuro.example")
    with serving(settings) as address:
        headers = {"Authorization": f"Bearer {token}"}
        async with AsyncClient(base_url=address, headers=headers, timeout=30, verify=False) as client:
            made = (await client.post("/api/invitations", json=ADA)).json()

    assert made["link"] == f"https://recuro.example/join/{made['code']}"
