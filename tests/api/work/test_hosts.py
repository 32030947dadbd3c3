"""GET /api/hosts, as a caller sees it."""

import httpx
import pytest
from redis.asyncio import Redis

from shared.actions.reports import hosts
from shared.store.keyspace import Team
from shared.store.transitions import throttle_host
from tests.calls import call_of


async def test_hosts_at_rest_are_listed_for_their_team_alone(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, redis: Redis
) -> None:
    await throttle_host(redis, Team(1), host="a.example:443", wanted_ms=60_000, most_ms=60_000, status=429)

    page = (await client.get("/api/hosts", params={"filter": "resting"})).json()
    theirs = (await stranger.get("/api/hosts")).json()

    (host,) = page["data"]
    assert list(host) == [
        *("host", "reason", "since", "resting_until", "answering_since", "requests_since", "last_status")
    ]
    assert (host["host"], host["reason"], host["last_status"]) == ("a.example:443", "retry_after", 429)
    assert host["since"] < host["resting_until"]
    assert (page["total"], theirs["total"]) == (1, 0)


@pytest.mark.parametrize(
    ("params", "field", "sentence"),
    [
        ({"filter": "open"}, "filter", "The filter field must be one of 'resting', 'answering' or 'all'."),
        ({"page": "0"}, "page", "page"),
        ({"host": "a"}, "host", "host"),
    ],
)
async def test_what_is_wrong_is_named(
    client: httpx.AsyncClient, params: dict[str, str], field: str, sentence: str
) -> None:
    answer = await client.get("/api/hosts", params=params)

    assert answer.status_code == 422
    assert sentence in answer.json()["errors"][field][0]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.example", "a.example:8443"),
        ("a.example:443", "a.example:8443"),
        ("2001:db8::1", "[2001:db8::1]:443"),
        ("[2001:db8::1]", "[2001:db8::1]:443"),
        ("2001:db8::2", None),
        ("example", None),
    ],
)
async def test_a_host_is_found_by_its_name_among_many_that_are_called_alike(
    redis: Redis, team: Team, name: str, found: str | None
) -> None:
    alike = [f"a.example.{number}.example:443" for number in range(30)]
    for host in ("a.example:8443", "[2001:db8::1]:443", *alike):
        await throttle_host(redis, team, host=host, wanted_ms=60_000, most_ms=60_000)

    known = (await hosts.read(call_of(redis, team))).named(name)

    assert (known and known.host) == found
