import time

import httpx
import pytest
from redis.asyncio import Redis

from shared.security import signing, tokens
from shared.store import keyspace

CHECK = "/api/settings/signing/check"
STRANGE = "whsec_" + "A" * 32


async def test_a_secret_is_made_and_shown_once(client: httpx.AsyncClient, redis: Redis) -> None:
    before = (await client.get("/api/settings/signing")).json()

    made = await client.post("/api/settings/signing")

    secret = made.json()["secret"]
    assert (made.status_code, before) == (201, {"is_enabled": False, "previous_valid_until": None})
    assert secret.startswith("whsec_")
    shown = await client.get("/api/settings/signing")
    assert shown.json() == {"is_enabled": True, "previous_valid_until": None}
    assert secret not in str([await redis.hgetall(key) for key in await redis.keys("*:t:1")])  # type: ignore[misc]


async def test_the_secret_before_stays_valid_for_a_while(client: httpx.AsyncClient) -> None:
    await client.post("/api/settings/signing")

    kept = (await client.post("/api/settings/signing", json={"keep_hours": 48})).json()
    dropped = (await client.post("/api/settings/signing", json={"keep_hours": 0})).json()

    assert kept["previous_valid_until"] is not None
    assert dropped["previous_valid_until"] is None


async def test_signing_can_be_turned_off(client: httpx.AsyncClient) -> None:
    await client.post("/api/settings/signing")

    assert (await client.delete("/api/settings/signing")).json() == {"deleted": True}

    assert (await client.get("/api/settings/signing")).json()["is_enabled"] is False


@pytest.mark.parametrize(
    "asked", [{"keep_hours": -1}, {"keep_hours": 721}, {"keep_hours": "1h"}, {"secret": "x"}]
)
async def test_a_wrong_wish_is_named(client: httpx.AsyncClient, asked: dict[str, object]) -> None:
    answer = await client.post("/api/settings/signing", json=asked)

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == list(asked)


async def test_only_an_admin_handles_secrets(api: str, redis: Redis, token: str) -> None:
    writer = await tokens.create(redis, team="one", name="w", scopes=("write",))
    async with httpx.AsyncClient(base_url=api, headers={"Authorization": f"Bearer {writer}"}) as client:
        assert (await client.post("/api/settings/signing")).status_code == 403
        assert (await client.delete("/api/settings/signing")).status_code == 403


def signed(secret: str, body: str, seconds: float) -> dict[str, str]:
    return signing.headers_of([secret], "job-1-7", body.encode(), int(seconds))


async def test_a_check_says_which_part_differs(client: httpx.AsyncClient) -> None:
    secret = (await client.post("/api/settings/signing")).json()["secret"]
    headers = signed(secret, '{"n":1}', time.time())

    good = (await client.post(CHECK, json={"headers": headers, "body": '{"n":1}'})).json()
    bad = (await client.post(CHECK, json={"headers": headers, "body": '{"n": 1}'})).json()

    assert good["is_genuine"] is True
    assert {name: bad[name]["result"] for name in ("id", "time", "secret", "body")} == {
        "id": "same",
        "time": "same",
        "secret": "same",
        "body": "differs",
    }


async def test_a_check_compares_the_secret_of_the_receiver(client: httpx.AsyncClient) -> None:
    first = (await client.post("/api/settings/signing")).json()["secret"]
    second = (await client.post("/api/settings/signing", json={"keep_hours": 1})).json()["secret"]
    asked = {"headers": signed(second, "", time.time())}

    own = (await client.post(CHECK, json={**asked, "secret": second})).json()
    before = (await client.post(CHECK, json={**asked, "secret": first})).json()
    strange = {"headers": signed(STRANGE, "", time.time()), "secret": STRANGE}
    strangers = (await client.post(CHECK, json=strange)).json()
    none = await client.post(CHECK, json={**asked, "secret": "whsec_*"})

    assert own["is_genuine"] is True
    assert "but not with the one that was given" in before["secret"]["message"]
    assert "none of this team" in strangers["secret"]["message"]
    assert list(none.json()["errors"]) == ["secret"]


async def test_a_check_knows_the_secret_that_ended(client: httpx.AsyncClient, redis: Redis) -> None:
    first = (await client.post("/api/settings/signing")).json()["secret"]
    await client.post("/api/settings/signing", json={"keep_hours": 1})
    at = time.time() + 7200
    await redis.set(keyspace.correction("s0"), 7_200_000)

    found = (await client.post(CHECK, json={"headers": signed(first, "", at)})).json()

    assert found["secret"]["result"] == "differs"
    assert "not valid any more" in found["secret"]["message"]
    assert first not in str(found)
