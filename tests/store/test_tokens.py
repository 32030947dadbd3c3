"""Tokens as the transitions keep them: who was faster, what is registered again, what is counted."""

import asyncio

from redis.asyncio import Redis

from shared.security import tokens
from shared.store import account_keys, records, transitions
from shared.store.transitions import NewToken, SavedToken, TokenFields

FIELDS = TokenFields("reports", "write", "")
HOUR, DAY = 3_600_000, 86_400_000
NOON = 20_000 * DAY + DAY // 2


async def made(
    redis: Redis, digest: str = "d1", *, team: int = 1, now_ms: int = NOON, name: str = ""
) -> SavedToken:
    saved = await transitions.create_token(
        redis,
        team=team,
        fields=FIELDS._replace(name=name or digest),
        new=NewToken(digest, "four"),
        created_by="operator",
        now_ms=now_ms,
        may_share_name=True,
    )
    assert isinstance(saved, SavedToken)
    return saved


async def counted(
    redis: Redis, *, calls: int = 0, runs: int = 0, now_ms: int = NOON
) -> tuple[str, list[int]]:
    """The window that is full, and what is left of 3 calls an hour, 4 a day, and 2 runs an hour."""
    full, windows = await transitions.count_use(
        redis, digest="d1", calls=calls, runs=runs, most=(3, 4, 2, None), now_ms=now_ms
    )
    assert [one.name for one in windows] == ["calls-hour", "runs-hour", "calls-day"]
    return full, [one.left for one in windows]


async def test_who_read_an_older_version_changes_renews_and_deletes_nothing(redis: Redis) -> None:
    saved = await made(redis)
    version = records.fields_of(saved.fields)["version"]
    await transitions.change_token(redis, team=1, token=1, version=version, fields=FIELDS)
    before = await redis.dump(account_keys.token("d1"))

    changed = await transitions.change_token(redis, team=1, token=1, version=version, fields=FIELDS)
    renewed = await transitions.renew_token(
        redis, team=1, token=1, version=version, new=NewToken("d2", "four", "sealed")
    )
    deleted = await transitions.delete_token(redis, team=1, token=1, version=version)

    assert (changed, renewed, deleted) == ("stale", "stale", None)
    assert await redis.dump(account_keys.token("d1")) == before


async def test_what_is_not_there_is_not_changed_or_made(redis: Redis) -> None:
    changed = await transitions.change_token(redis, team=1, token=7, version="1", fields=FIELDS)
    renewed = await transitions.renew_token(
        redis, team=1, token=7, version="1", new=NewToken("d2", "four", "")
    )
    deleted = await transitions.delete_token(redis, team=1, token=7)

    assert (changed, renewed, deleted) == (None, None, False)
    assert await redis.keys("*") == []


async def test_what_is_registered_again_stays_what_it_was(redis: Redis) -> None:
    first = await made(redis)

    again = await made(redis, now_ms=NOON + DAY, name="another name")

    fields = records.fields_of(again.fields)
    assert again.id == first.id == 1
    assert (fields["created"], fields["name"]) == (str(NOON), "another name")


async def test_what_is_registered_for_another_team_leaves_its_own(redis: Redis) -> None:
    await made(redis, team=1)

    moved = await made(redis, team=2)

    assert records.fields_of(moved.fields)["team"] == "2"
    assert await transitions.read_tokens(redis, team=1) == []
    assert [row.digest for row in await transitions.read_tokens(redis, team=2)] == ["d1"]


async def test_windows_count_apart_and_none_where_one_has_no_room(redis: Redis) -> None:
    await made(redis)

    assert await counted(redis, calls=1) == ("", [2, 2, 3])
    assert await counted(redis, calls=1, runs=2) == ("", [1, 0, 2])
    assert await counted(redis, calls=1, runs=1) == ("runs-hour", [1, 0, 2])
    assert await counted(redis, calls=1) == ("", [0, 0, 1])
    assert await counted(redis, calls=1) == ("calls-hour", [0, 0, 1])
    assert await counted(redis, calls=1, now_ms=NOON + HOUR) == ("", [2, 2, 0])
    assert await counted(redis, calls=1, now_ms=NOON + HOUR) == ("calls-day", [2, 2, 0])
    assert await counted(redis, calls=1, now_ms=NOON + DAY) == ("", [2, 2, 3])


async def test_a_window_says_until_when_it_is(redis: Redis) -> None:
    await made(redis)

    _, (hour, _, day) = await transitions.count_use(
        redis, digest="d1", calls=1, runs=0, most=(3, 4, 2, None), now_ms=NOON + 600_000
    )

    assert (hour.ends_in_ms, day.ends_in_ms) == (HOUR - 600_000, DAY // 2 - 600_000)


async def test_nothing_is_counted_of_a_token_that_is_gone(redis: Redis) -> None:
    assert await counted(redis, calls=1) == ("calls-day", [3, 2, 4])
    assert not await redis.exists(account_keys.use("d1"))


async def test_calls_at_once_are_counted_one_by_one(redis: Redis) -> None:
    await made(redis)

    found = await asyncio.gather(*(counted(redis, calls=1) for _ in range(8)))

    assert sum(full == "" for full, _ in found) == 3


async def test_what_was_refused_is_given_back_to_its_own_hour(redis: Redis) -> None:
    await made(redis)
    later = NOON + HOUR

    assert await counted(redis, calls=1, runs=2) == ("", [2, 0, 3])
    assert await counted(redis, runs=-1) == ("", [2, 1, 3])
    assert await counted(redis, runs=2, now_ms=later) == ("", [3, 0, 3])
    assert (await counted(redis, runs=-2))[0] == ""
    assert (await counted(redis, runs=1, now_ms=later))[0] == "runs-hour"
    assert await counted(redis, runs=-3, now_ms=later) == ("", [3, 2, 3])


async def test_a_team_that_many_make_at_once_is_there_once(redis: Redis) -> None:
    made = await asyncio.gather(
        *(
            tokens.create(redis, team="fresh", name=f"of process {number}", scopes=("admin",))
            for number in range(20)
        )
    )

    assert len({await tokens.team_of(redis, token) for token in made}) == 1
    (its_id,) = (await redis.hgetall(account_keys.teams())).values()  # type: ignore[misc]
    prefix = account_keys.team(int(its_id)).removesuffix(its_id)
    assert await redis.keys(f"{prefix}*") == [account_keys.team(int(its_id))]
