"""Every operation, tried by everybody who may call or not, does what docs/tokens.md says; refusals are counted."""

from collections.abc import Awaitable, Callable

import pytest
from httpx import AsyncClient
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from services.api.table import OPERATIONS
from shared.actions.accounts import links, users
from shared.actions.accounts.links import Purpose
from shared.errors import Forbidden
from shared.operations import Operation
from shared.schemas.accounts.users import Role
from shared.security import tokens
from shared.security.sessions import Sessions
from shared.settings import Settings
from shared.store import account_keys, keyspace
from shared.store.keyspace import Team
from shared.store.transitions import accounts
from tests import lost
from tests.docs.pages import code, tables

LATER_MS = 40_000 * 86_400_000_0
NOBODYS_ID = 999
PAGE = {row["Who calls"]: row for table in tables("tokens.md") for row in table.rows if "Who calls" in row}
# The team goes last.
ORDERED = sorted(OPERATIONS, key=lambda one: one.name == "delete-team")

Headers = dict[str, str]
Arrival = Callable[[AsyncClient, Redis], Awaitable[Headers]]


async def nobody(_client: AsyncClient, _redis: Redis) -> Headers:
    return {}


async def unknown(_client: AsyncClient, _redis: Redis) -> Headers:
    return bearer("rc_wrong")


async def expired(client: AsyncClient, redis: Redis) -> Headers:
    made = await make(client, expires_at="2999-01-01T00:00:00Z")
    await redis.set(keyspace.correction(keyspace.SHARDS[0]), LATER_MS)
    return bearer(made["token"])


async def deleted(client: AsyncClient, _redis: Redis) -> Headers:
    made = await make(client)
    await client.delete(f"/api/tokens/{made['id']}")
    return bearer(made["token"])


async def regenerated(client: AsyncClient, _redis: Redis) -> Headers:
    made = await make(client)
    await client.post(f"/api/tokens/{made['id']}/regenerate")
    return bearer(made["token"])


async def of_who_left(client: AsyncClient, redis: Redis) -> Headers:
    headers = await of_a_member(client, redis)
    member = await users.find(redis, "member@example.com")
    assert member
    await accounts.remove_member(redis, team=1, user=member.id)
    return headers


async def of_a_member(_client: AsyncClient, redis: Redis) -> Headers:
    await users.create(redis, email="owner@example.com", team="one")
    member = await users.create(redis, email="member@example.com", team="one")
    token = await tokens.create(redis, team="one", name="of a member", scopes=("admin",))
    await redis.hset(account_keys.token(tokens.digest_of(token)), "user", str(member))  # type: ignore[misc]
    return bearer(token)


async def with_a_cookie(client: AsyncClient, redis: Redis) -> Headers:
    return {"Cookie": f"recuro={await session(client, redis, 'admin')}"}


async def of_another_team(_client: AsyncClient, redis: Redis) -> Headers:
    return bearer(await tokens.create(redis, team="two", name="other", scopes=("admin",)))


def with_scope(scope: str) -> Arrival:
    async def arrive(_client: AsyncClient, redis: Redis) -> Headers:
        return bearer(await tokens.create(redis, team="one", name="of the scope", scopes=(scope,)))

    return arrive


BY_TOKEN: dict[str, Arrival] = {
    "nobody: no token": nobody,
    "an unknown token": unknown,
    "an expired token": expired,
    "a deleted token": deleted,
    "a regenerated token": regenerated,
    "a token of a user who left the team": of_who_left,
    "the cookie of a session, without a token": with_a_cookie,
    "a token with the scope `read`": with_scope("read"),
    "a token with the scope `write`": with_scope("write"),
    "a token with the scope `admin`": with_scope("admin"),
    "an `admin` token of a user who is a member": of_a_member,
    "a token of another team": of_another_team,
}
BY_SESSION = {
    "a session of a member, in the pages": "member",
    "a session of an admin, in the pages": "admin",
}


def bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


async def make(client: AsyncClient, **more: str) -> dict[str, str]:
    answer = await client.post("/api/tokens", json={"name": "tried", "scopes": ["admin"], **more})
    found: dict[str, str] = answer.json()
    return found


async def session(client: AsyncClient, redis: Redis, role: str) -> str:
    """A session of that role in team 1, as a browser has it that was signed in by a link."""
    await users.create(redis, email="owner@example.com", team="one")
    user = await users.create(redis, email=f"{role}@example.com", team="one", role=Role(role))
    code = await links.make(redis, Purpose.SIGN_IN, user)
    path = links.address_of("", Purpose.SIGN_IN, code)
    entered = await client.post(path, headers={"Origin": str(client.base_url).rstrip("/")})
    return entered.cookies["recuro"]


def cell_of(who: str, operation: Operation) -> str:
    return PAGE[who][f"`{operation.scope}` operations"]


def refused() -> float:
    """How many calls were refused so far, for whatever reason."""
    samples = [sample for family in REGISTRY.collect() for sample in family.samples]
    return sum(sample.value for sample in samples if sample.name == "recuro_calls_refused_total")


async def trail(redis: Redis) -> int:
    return sum([await redis.xlen(stream) for stream in keyspace.audit_trails(Team(1))])


def test_the_page_has_everybody_who_is_tried() -> None:
    assert list(PAGE) == [*BY_TOKEN, *BY_SESSION]
    assert all(
        code(column)[0] in tokens.SCOPES for row in PAGE.values() for column in row if column != "Who calls"
    )


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize("who", BY_TOKEN)
async def test_who_calls_over_rest_is_answered_as_the_page_says(
    client: AsyncClient, anonymous: AsyncClient, redis: Redis, who: str
) -> None:
    headers = await BY_TOKEN[who](client, redis)
    answers = {"401": (401,), "403": (403,)}

    for operation in ORDERED:
        path = operation.path.format_map({each.name: NOBODYS_ID for each in operation.ids})
        lines, count = await trail(redis), refused()
        before = await lost.everything(redis)

        answer = await anonymous.request(operation.method, path, headers=headers, content=b"{")

        said = cell_of(who, operation)
        if said in answers:
            assert answer.status_code in answers[said], (operation.name, answer.text)
            assert answer.json()["message"]
            assert refused() == count + 1
            assert await trail(redis) == lines
            assert await lost.everything(redis) == before
        else:
            assert said in ("yes", "its own")
            assert answer.status_code not in (401, 403), (operation.name, answer.text)
            assert refused() == count
            assert said == "yes" or await trail(redis) == lines


@pytest.mark.usefixtures("things")
@pytest.mark.parametrize("who", BY_SESSION)
async def test_a_session_may_in_the_pages_what_the_page_says(
    client: AsyncClient, redis: Redis, settings: Settings, who: str
) -> None:
    secret = await session(client, redis, BY_SESSION[who])

    caller = (await Sessions(redis, settings).signed(secret)).caller

    for operation in OPERATIONS:
        if cell_of(who, operation) == "yes":
            caller.may(operation.scope)
        else:
            with pytest.raises(Forbidden):
                caller.may(operation.scope)
