"""Hosts that a team leaves alone are listed: since when, until when, why, and whether they answer again."""

import pytest
from redis.asyncio import Redis

from shared.actions.reports import hosts
from shared.schemas.reports.hosts import Host, HostQuery
from shared.store import keyspace, transitions
from shared.store.keyspace import Team
from shared.store.transitions import throttle_host, unthrottle_host
from tests.calls import call_of
from tests.vouching import vouch

A, B = "a.example:443", "b.example:80"
MINUTE, HOUR = 60_000, 3_600_000


async def listed(redis: Redis, team: Team, **query: object) -> list[Host]:
    return (await hosts.page(call_of(redis, team), HostQuery.model_validate(query))).data


async def one(redis: Redis, team: Team) -> Host:
    (host,) = await listed(redis, team)
    return host


async def rest(redis: Redis, team: Team, host: str = A, minutes: int = 1, **given: bool | int) -> None:
    wanted = minutes * MINUTE
    await throttle_host(redis, team, host=host, wanted_ms=wanted, most_ms=5 * MINUTE, **given)  # type: ignore[arg-type]


async def later(redis: Redis, team: Team, ms: int) -> None:
    """So much time passes."""
    key = keyspace.correction(team.shard)
    await redis.set(key, int(await redis.get(key) or 0) + ms)


async def test_nobody_rests_at_first(redis: Redis, team: Team) -> None:
    assert await listed(redis, team) == []


async def test_a_host_that_asked_for_a_rest_is_shown_with_its_status(redis: Redis, team: Team) -> None:
    await rest(redis, team, minutes=2, status=429)

    host = await one(redis, team)
    assert (host.host, host.reason, host.last_status) == (A, "retry_after", 429)
    assert host.resting_until is not None
    assert 118 <= (host.resting_until - host.since).total_seconds() <= 121
    assert (host.answering_since, host.requests_since) == (None, 0)


async def test_a_silent_host_has_no_status(redis: Redis, team: Team) -> None:
    await rest(redis, team, is_silent=True)

    host = await one(redis, team)
    assert (host.reason, host.last_status) == ("silent", None)
    assert not await redis.exists(f"{team.prefix}throttled:{team.id}"), "it may be that worker's network"


async def test_a_long_pause_is_shown_whole(redis: Redis, team: Team) -> None:
    await rest(redis, team, minutes=60)

    host = await one(redis, team)
    assert host.resting_until is not None
    assert (host.resting_until - host.since).total_seconds() >= 3599


async def test_a_rest_that_is_over_is_not_shown_as_one(redis: Redis, team: Team) -> None:
    await rest(redis, team)
    await later(redis, team, 2 * MINUTE)

    host = await one(redis, team)
    assert (host.resting_until, host.answering_since) == (None, None)


@pytest.mark.parametrize(("pause", "goes_on"), [(2 * MINUTE, True), (7 * MINUTE, False)])
async def test_a_rest_after_another_goes_on_with_it_unless_long_passed(
    redis: Redis, team: Team, pause: int, goes_on: bool
) -> None:
    await rest(redis, team)
    first = (await one(redis, team)).since
    await later(redis, team, pause)
    await rest(redis, team)

    assert ((await one(redis, team)).since == first) is goes_on


async def test_an_answer_between_ends_a_rest(redis: Redis, team: Team) -> None:
    await rest(redis, team)
    first = (await one(redis, team)).since
    await later(redis, team, 2 * MINUTE)
    await unthrottle_host(redis, team, host=A, status=200)
    await rest(redis, team)

    host = await one(redis, team)
    assert host.since > first
    assert (host.answering_since, host.requests_since) == (None, 0)


async def test_the_longer_of_two_rests_is_shown(redis: Redis, team: Team) -> None:
    await rest(redis, team, minutes=5)
    longer = (await one(redis, team)).resting_until
    await rest(redis, team, minutes=1)

    assert (await one(redis, team)).resting_until == longer


async def test_a_host_that_is_back_is_counted_for(redis: Redis, team: Team) -> None:
    await rest(redis, team, is_silent=True)
    await unthrottle_host(redis, team, host=A, status=204)
    since = (await one(redis, team)).answering_since
    await later(redis, team, MINUTE)
    await unthrottle_host(redis, team, host=A, is_back=False, requests=7, status=500)
    await unthrottle_host(redis, team, host=A, status=201)

    host = await one(redis, team)
    assert (host.requests_since, host.last_status, host.resting_until) == (9, 201, None)
    assert host.answering_since == since is not None
    assert await redis.zcard(f"{team.prefix}throttled:{team.id}") == 0


async def test_counting_does_not_end_a_rest(redis: Redis, team: Team) -> None:
    await rest(redis, team)
    await unthrottle_host(redis, team, host=A, is_back=False, requests=7)

    host = await one(redis, team)
    assert host.resting_until is not None
    assert (host.answering_since, host.requests_since) == (None, 0)


async def test_of_a_host_that_never_rested_nothing_is_kept(redis: Redis, team: Team) -> None:
    await unthrottle_host(redis, team, host=A, status=200)

    assert await listed(redis, team) == []


async def test_the_latest_rest_comes_first_and_filters_and_pages_take_a_part(
    redis: Redis, team: Team
) -> None:
    await rest(redis, team, A)
    await later(redis, team, 2000)
    await rest(redis, team, B)
    await unthrottle_host(redis, team, host=A, status=200)

    assert [host.host for host in await listed(redis, team)] == [B, A]
    assert [host.host for host in await listed(redis, team, filter="resting")] == [B]
    assert [host.host for host in await listed(redis, team, filter="answering")] == [A]
    assert [host.host for host in await listed(redis, team, search="A.example")] == [A]
    assert [host.host for host in await listed(redis, team, page=2, per_page=1)] == [A]


async def test_a_clock_that_jumps_ahead_ends_no_rest(redis: Redis, team: Team) -> None:
    now_ms, _ = await transitions.read_hosts(redis, team)
    await vouch(redis, now_ms)
    await rest(redis, team, minutes=2)

    await later(redis, team, 10 * MINUTE)

    assert (await one(redis, team)).resting_until is not None


async def test_each_team_has_its_own(redis: Redis, team: Team) -> None:
    await rest(redis, team)

    assert await listed(redis, Team(2)) == []


async def test_of_a_thousand_hosts_those_go_whose_rests_ended_first(redis: Redis, team: Team) -> None:
    for number in range(1000):
        await rest(redis, team, f"h{number}.example:80", minutes=3)
    await later(redis, team, MINUTE)
    await rest(redis, team, A, minutes=1)

    page = await hosts.page(call_of(redis, team), HostQuery())
    assert page.total == 1000
    assert A not in [host.host for host in await listed(redis, team, search="a.example")]


async def test_what_nobody_can_read_is_left_out_and_mended_by_the_next_rest(redis: Redis, team: Team) -> None:
    await redis.hset(f"{team.prefix}hosts:{team.id}", mapping={A: "junk", B: "1 2"})  # type: ignore[misc]
    await unthrottle_host(redis, team, host=B)
    assert await listed(redis, team) == []

    await rest(redis, team)

    assert [host.host for host in await listed(redis, team)] == [A]


async def test_what_nobody_can_read_hides_no_other_host(redis: Redis, team: Team) -> None:
    await rest(redis, team, B)
    for name, text in (
        ("a", "junk"),
        ("c\x1fd", "1 2"),
        ("e", ""),
        ("", "5 9 0 0 0 silent"),
        ("f", "1\x1f2"),
    ):
        await redis.hset(f"{team.prefix}hosts:{team.id}", name, text)  # type: ignore[misc]

    assert [host.host for host in await listed(redis, team)] == [B]


async def test_hosts_that_rest_by_the_moment_that_is_vouched_for_are_shown_by_the_present(
    redis: Redis, team: Team
) -> None:
    now_ms, _ = await transitions.read_hosts(redis, team)
    await vouch(redis, now_ms)
    await rest(redis, team, minutes=2)
    before = await one(redis, team)

    await later(redis, team, HOUR)
    after = await one(redis, team)

    assert (after.since - before.since).total_seconds() == pytest.approx(3600, abs=10)
    assert after.resting_until is not None


async def test_they_are_forgotten_two_days_after_the_last_rest(redis: Redis, team: Team) -> None:
    await rest(redis, team)
    fades = float(await redis.zscore(f"{team.prefix}fading", f"hosts:{team.id}") or 0)

    (now_ms, _) = await transitions.read_hosts(redis, team)
    assert fades - now_ms == pytest.approx(48 * HOUR, abs=5000)
