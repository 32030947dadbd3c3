"""/api/team"""

import re

from httpx import AsyncClient
from redis.asyncio import Redis

from services.scheduler import prune
from services.worker.intake.claims import Claims
from services.worker.work import Complete, Fail, Notice, Result
from shared.errors import Unauthenticated
from shared.security import tokens
from shared.settings import Settings
from shared.store import account_keys
from shared.store.keyspace import Team
from tests import people
from tests.writes import CRON, JOB

DAY = 86_400_000


async def test_a_team_of_tokens_alone_has_no_owner(client: AsyncClient) -> None:
    answer = await client.get("/api/team")

    assert answer.json() == {"id": 1, "name": "one", "owner_id": None, "created_at": None}


async def test_the_first_member_owns_the_team(client: AsyncClient, redis: Redis) -> None:
    await people.join(redis, "one", 2)

    assert (await client.get("/api/team")).json()["owner_id"] == 1


async def test_a_team_is_renamed_and_the_name_before_is_free(
    client: AsyncClient, stranger: AsyncClient
) -> None:
    renamed = await client.patch("/api/team", json={"name": "  Billing  "})
    taken = await stranger.patch("/api/team", json={"name": "Billing"})
    free = await stranger.patch("/api/team", json={"name": "one"})

    assert (renamed.status_code, renamed.json()["name"]) == (200, "Billing")
    assert taken.json()["errors"] == {"name": ["The name field must be unique: another team has it."]}
    assert free.json()["name"] == "one"


async def test_a_blank_name_is_refused(client: AsyncClient) -> None:
    answer = await client.patch("/api/team", json={"name": "  "})

    assert answer.status_code == 422
    assert answer.json()["errors"] == {"name": ["The name field must not be blank."]}


async def test_a_team_is_handed_over_to_a_member_who_is_an_admin_from_then_on(
    client: AsyncClient, redis: Redis
) -> None:
    await people.join(redis, "one", 2)

    answer = await client.post("/api/team/hand-over", json={"member_id": 2})
    members = (await client.get("/api/members")).json()["data"]

    assert (answer.status_code, answer.json()["owner_id"]) == (200, 2)
    assert [(one["id"], one["role"], one["is_owner"]) for one in members] == [
        (2, "admin", True),
        (1, "admin", False),
    ]


async def test_a_team_is_handed_over_to_nobody_outside(client: AsyncClient, redis: Redis) -> None:
    await people.join(redis, "one", 1)

    answer = await client.post("/api/team/hand-over", json={"member_id": 7})

    assert answer.status_code == 422
    assert answer.json()["errors"] == {"member_id": ["The member_id field must name a member of this team."]}


async def test_a_deleted_team_is_gone_at_once_and_its_name_is_free(
    client: AsyncClient, stranger: AsyncClient, redis: Redis, token: str
) -> None:
    deleted = await client.delete("/api/team")
    again = await client.delete("/api/team")
    renamed = await stranger.patch("/api/team", json={"name": "one"})

    assert (deleted.status_code, deleted.json()) == (200, {"deleted": True})
    assert (again.status_code, again.json()["error"]) == (401, "The team was deleted")
    assert renamed.status_code == 200
    assert await refused(redis, token)


async def refused(redis: Redis, token: str) -> bool:
    """By a process that looks it up now, as each does after 5 s."""
    try:
        await tokens.Callers(redis).caller_of(token)
    except Unauthenticated:
        return True
    return False


async def test_all_that_a_deleted_team_had_goes_in_steps_but_its_trail(
    client: AsyncClient, stranger: AsyncClient, redis: Redis, team: Team, things: None
) -> None:
    for queue in range(120):
        await client.post("/api/jobs", json={**JOB, "queue": f"queue-{queue}"})
    await stranger.post("/api/jobs", json=JOB)
    await stranger.post("/api/crons", json=CRON)
    await client.post("/api/invitations", json={"email": "grace@example.com"})
    others = await keys_of(redis, 2)

    await client.delete("/api/team")
    await prune_all(redis, team)

    left = {key for key in await keys_of(redis, 1) if ":i:1:" not in key}  # keys of idempotency fade
    assert left == {"r:{s0}:audit:1", "r:{s0}:audit_jobs:1", "r:{global}:audit:1", "r:{global}:team:1"}
    assert await keys_of(redis, 2) == others
    assert {whose(one) for one in await members_of_shared(redis, team)} == {"2"}
    assert await redis.hget(account_keys.user(1), "email") == "user1@example.com"  # type: ignore[misc]
    assert await redis.smembers(account_keys.member_of(1)) == set()  # type: ignore[misc]
    assert await redis.smembers(account_keys.doomed_teams()) == set()  # type: ignore[misc]


async def test_notices_of_a_deleted_team_are_not_sent_and_what_is_out_is_waited_for(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    worker = Claims(redis, team.shard, "a-worker")
    await client.post("/api/jobs", json={**JOB, "callback_url": "https://a.example/told"})
    (job,) = await worker.claim(1)
    await worker.finish([Result(job, Fail(), "", "", "timeout")])
    await client.post("/api/jobs", json={**JOB, "callback_url": "https://a.example/told"})
    await client.post("/api/crons", json=CRON)
    await client.post("/api/crons/1/run")
    (out,) = [one for one in await worker.claim(1) if not isinstance(one, Notice)]

    notices = await redis.keys(f"{team.prefix}n:1:*")
    await client.delete("/api/team")
    for _ in range(20):
        await prune.prune_teams(redis)
        await prune.prune(redis, team.shard)
    waits = await redis.smembers(account_keys.doomed_teams())  # type: ignore[misc]
    claimed = await worker.claim(9)
    await worker.finish([Result(out, Complete(), "", "", "")])
    await prune_all(redis, team)

    assert len(notices) == 1
    assert waits == {"1"}
    assert claimed == []
    assert not [key for key in await keys_of(redis, 1) if key.split(":")[2] in ("n", "s", "f", "j", "e")]


async def prune_all(redis: Redis, team: Team) -> None:
    """As a scheduler does, until nothing is left to do."""
    for _ in range(1000):
        await prune.prune_teams(redis)
        await prune.prune(redis, team.shard)
        if not await redis.exists(account_keys.doomed_teams()):
            return
    raise AssertionError("it never ends")


async def keys_of(redis: Redis, team: int) -> set[str]:
    found = [(key, key.split(":")) for key in await redis.keys("*")]
    of_users = ("user", "member_of")
    return {key for key, parts in found if parts[3:4] == [str(team)] and parts[2] not in of_users}


def whose(member: str) -> str:
    """Of `j:<team>:<id>`, `<team>:<cron>` or `<team>`."""
    found = re.match(r"(?:[a-z]:)?(\d+)", member)
    return found[1] if found else ""


async def members_of_shared(redis: Redis, team: Team) -> list[str]:
    """Of what all teams share: whom and what it names."""
    found: list[str] = []
    for name in ("due", "crons", "turns"):
        found += await redis.zrange(f"{team.prefix}{name}", 0, -1)
    for name in ("doomed", "in_flight", "replays", "teams"):
        found += await redis.smembers(f"{team.prefix}{name}")  # type: ignore[misc]
    return found


async def test_the_trail_of_a_deleted_team_goes_with_time_and_its_record_with_it(
    client: AsyncClient, redis: Redis, team: Team
) -> None:
    await client.post("/api/crons", json=CRON)
    await client.delete("/api/team")
    await prune_all(redis, team)

    await prune.end_trails(redis, Settings())
    kept = await redis.hget(account_keys.team(1), "name")  # type: ignore[misc]
    year_later = 1000 * (await redis.time())[0] + 366 * DAY
    await prune.end_trails(redis, Settings(), now_ms=year_later)
    await prune.end_trails(redis, Settings(), now_ms=year_later)

    assert kept == "one"
    assert await keys_of(redis, 1) == set()
    assert await redis.smembers(account_keys.ended_teams()) == set()  # type: ignore[misc]
