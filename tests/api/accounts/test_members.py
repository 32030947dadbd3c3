"""/api/members"""

import pytest
from httpx import AsyncClient
from redis.asyncio import Redis

from tests import people


@pytest.fixture(autouse=True)
async def _three(redis: Redis, token: str) -> None:
    await people.join(redis, "one", 3)


async def test_members_are_listed_newest_first(client: AsyncClient) -> None:
    page = (await client.get("/api/members")).json()

    assert page["total"] == 3
    assert [(one["id"], one["role"], one["is_owner"]) for one in page["data"]] == [
        (3, "member", False),
        (2, "member", False),
        (1, "admin", True),
    ]
    assert page["data"][0] == (await client.get("/api/members/3")).json()
    assert page["data"][0]["email"] == "User3@example.com"


async def test_members_are_found_by_address_or_name(client: AsyncClient) -> None:
    by_address = (await client.get("/api/members", params={"search": "user2@example"})).json()
    by_name = (await client.get("/api/members", params={"search": "user 3"})).json()

    assert [one["id"] for one in by_address["data"]] == [2]
    assert [one["id"] for one in by_name["data"]] == [3]


async def test_a_member_is_given_a_role(client: AsyncClient) -> None:
    answer = await client.patch("/api/members/2", json={"role": "admin"})

    assert (answer.status_code, answer.json()["role"]) == (200, "admin")
    assert (await client.get("/api/members/2")).json() == answer.json()


@pytest.mark.parametrize("role", ["owner", "", None])
async def test_another_role_is_refused(client: AsyncClient, role: str | None) -> None:
    answer = await client.patch("/api/members/2", json={"role": role})

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["role"]


async def test_the_owner_is_neither_demoted_nor_removed(client: AsyncClient) -> None:
    demoted = await client.patch("/api/members/1", json={"role": "member"})
    removed = await client.delete("/api/members/1")

    assert (demoted.status_code, removed.status_code) == (409, 409)
    assert removed.json()["error"] == ("The owner of the team cannot be removed; hand the team over first.")
    assert (await client.get("/api/members/1")).json()["is_owner"]


async def test_a_removed_member_is_gone_and_may_be_invited_again(client: AsyncClient) -> None:
    answer = await client.delete("/api/members/2")

    assert answer.json() == {"deleted": True, "id": 2}
    assert (await client.get("/api/members/2")).status_code == 404
    assert (await client.delete("/api/members/2")).json() == {"error": "Member not found"}
    assert (await client.post("/api/invitations", json={"email": "user2@example.com"})).status_code == 201


async def test_who_owned_the_team_may_be_removed_once_it_is_handed_over(client: AsyncClient) -> None:
    await client.post("/api/team/hand-over", json={"member_id": 2})

    answer = await client.delete("/api/members/1")

    assert answer.status_code == 200
