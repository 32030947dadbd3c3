"""Who comes in: bootstrap tokens that are replaced, and guesses that are braked."""

import asyncio

import pytest
from redis.asyncio import Redis

from shared.basics import token_text
from shared.errors import TooManyGuesses, Unauthenticated
from shared.security import tokens
from shared.security.brake import ADDRESSES, BURST, Brake
from shared.security.tokens import Callers
from shared.store import account_keys, keyspace
from shared.store.transitions import accounts

FIRST, SECOND = "rc_the-first-bootstrap", "rc_the-second-bootstrap"


async def is_known(redis: Redis, token: str) -> bool:
    try:
        await Callers(redis).caller_of(token)
    except Unauthenticated:
        return False
    return True


async def test_a_replaced_bootstrap_token_ends_and_the_others_stay(redis: Redis) -> None:
    made = await tokens.create(redis, team="default", name="mine", scopes=("admin",))
    await tokens.register_bootstrap(redis, FIRST)
    await tokens.register_bootstrap(redis, FIRST)

    await tokens.register_bootstrap(redis, SECOND)

    assert [await is_known(redis, token) for token in (FIRST, SECOND, made)] == [False, True, True]


async def test_a_bootstrap_token_of_an_older_version_ends_with_its_replacement(redis: Redis) -> None:
    await tokens.create(redis, team="default", name="bootstrap", scopes=("admin",), token=FIRST)

    await tokens.register_bootstrap(redis, SECOND)

    assert not await is_known(redis, FIRST)


async def test_a_replacement_that_was_broken_off_is_finished_by_the_next_start(redis: Redis) -> None:
    await tokens.register_bootstrap(redis, FIRST)
    await redis.sadd(account_keys.bootstrap(), tokens.digest_of(SECOND))  # type: ignore[misc]

    await tokens.register_bootstrap(redis, SECOND)

    assert [await is_known(redis, token) for token in (FIRST, SECOND)] == [False, True]


@pytest.mark.usefixtures("token")
async def test_wrong_tokens_of_an_address_are_braked_and_right_ones_are_not(
    redis: Redis, token: str, other_token: str
) -> None:
    callers = Callers(redis, brake=Brake(lambda: 0.0))
    await tokens.register_bootstrap(redis, FIRST)
    await callers.caller_of(token, "203.0.113.7")

    said = [await refusal(callers, f"rc_{number}", "203.0.113.7") for number in range(BURST + 5)]

    assert said == [Unauthenticated] * BURST + [TooManyGuesses] * 5
    assert await callers.caller_of(token, "203.0.113.7")  # it was right before
    assert await callers.caller_of(other_token, "203.0.113.7")  # nobody can guess it
    assert await refusal(callers, f"{other_token[:-4]}AAAA", "203.0.113.7") is TooManyGuesses
    assert await refusal(callers, FIRST, "203.0.113.7") is TooManyGuesses  # it is known, and might be a guess
    assert await callers.caller_of(FIRST, "203.0.113.8")


async def test_a_right_token_that_many_bring_at_once_to_a_new_process_is_no_guessing(redis: Redis) -> None:
    await tokens.register_bootstrap(redis, FIRST)
    callers = Callers(redis)

    found = await asyncio.gather(*(callers.caller_of(FIRST, "203.0.113.7") for _ in range(2 * BURST)))

    assert len(found) == 2 * BURST


async def test_one_wrong_token_that_is_sent_again_and_again_is_no_guessing(redis: Redis) -> None:
    callers = Callers(redis)

    said = {await refusal(callers, "rc_mistyped", "203.0.113.7") for _ in range(5 * BURST)}

    assert said == {Unauthenticated}


async def test_a_token_that_is_made_after_it_was_tried_is_right_at_once(redis: Redis) -> None:
    callers = Callers(redis)
    await refusal(callers, FIRST, "")

    await tokens.register_bootstrap(redis, FIRST)

    assert await callers.caller_of(FIRST)


def test_a_budget_comes_back_with_time() -> None:
    now = 0.0
    brake = Brake(lambda: now)
    for _ in range(BURST):
        brake.wait_seconds("203.0.113.7")

    wait = brake.wait_seconds("203.0.113.7")
    now += wait

    assert 0 < wait <= 60
    assert brake.wait_seconds("203.0.113.7") == 0


def test_the_addresses_of_one_ipv6_network_share_a_budget() -> None:
    brake = Brake(lambda: 0.0)
    for number in range(BURST):
        brake.wait_seconds(f"2001:db8::{number:x}")

    assert brake.wait_seconds("2001:db8::ffff:1") > 0
    assert brake.wait_seconds("2001:db8:0:1::1") == 0


def test_many_addresses_are_braked_together_and_not_all_remembered() -> None:
    brake = Brake(lambda: 0.0)

    waits = [
        brake.wait_seconds(f"203.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        for number in range(2 * ADDRESSES)
    ]

    assert waits[0] == 0
    assert waits[-1] > 0
    assert len(brake._budgets) == ADDRESSES


async def refusal(callers: Callers, token: str, address: str) -> type[Exception] | None:
    try:
        await callers.caller_of(token, address)
    except (Unauthenticated, TooManyGuesses) as error:
        return type(error)
    return None


async def test_a_damaged_record_hides_no_other_token(redis: Redis) -> None:
    token = await tokens.create(redis, team="a", name="good", scopes=("read",))
    await redis.set(account_keys.token("of-a-wrong-type"), "junk")
    await redis.hset(account_keys.token("odd"), mapping={"team": "1", "created": "long ago"})  # type: ignore[misc]

    listed = await tokens.listed(redis)
    ended = await tokens.revoke(redis, tokens.digest_of(token)[: tokens.ID_DIGITS])
    await tokens.register_bootstrap(redis, "a-first-token-of-this-place")

    assert {one.digest for one in listed} == {tokens.digest_of(token), "odd", "of-a-wrong-type"}
    assert ended.name == "good"


async def test_a_mistyped_token_is_known_by_its_checksum_and_not_looked_up(redis: Redis) -> None:
    token = await tokens.create(redis, team="a", name="good", scopes=("read",))
    wrong = token[:10] + ("a" if token[10] != "a" else "b") + token[11:]
    before = (await redis.info("commandstats")).get("cmdstat_hgetall", {}).get("calls", 0)

    said = await refusal(Callers(redis), wrong, "203.0.113.7")

    assert token_text.is_random(token)
    assert token_text.is_mistyped(wrong)
    assert not token_text.is_mistyped(token)
    assert said is Unauthenticated
    assert (await redis.info("commandstats")).get("cmdstat_hgetall", {}).get("calls", 0) == before


async def test_who_guesses_in_the_form_of_our_tokens_is_braked_too(redis: Redis) -> None:
    callers = Callers(redis)

    said = [await refusal(callers, f"rc_{number:043}_000000", "203.0.113.7") for number in range(BURST + 5)]

    assert said == [Unauthenticated] * BURST + [TooManyGuesses] * 5


def test_a_checksum_is_that_of_the_text() -> None:
    made = [token_text.new() for _ in range(100)]

    assert len({one[-6:] for one in made}) > 90
    assert all(not token_text.is_mistyped(one) for one in made)
    assert token_text.is_mistyped(made[0][:-6] + made[1][-6:])


async def test_a_token_of_an_earlier_version_works_and_gets_an_id_when_it_is_used(redis: Redis) -> None:
    old = "rc_" + "o" * 43
    await tokens.create(redis, team="a", name="new", scopes=("read",))
    fields = {"team": 1, "name": "old", "scopes": "write", "created": 1}
    await redis.hset(account_keys.token(tokens.digest_of(old)), mapping=fields)  # type: ignore[misc]
    callers = Callers(redis)

    caller = await callers.caller_of(old)
    await callers.uses.written()

    assert (caller.scopes, caller.limits, caller.id) == (frozenset({"write"}), None, 0)
    assert (await Callers(redis).caller_of(old)).id == 2


async def test_a_token_that_is_registered_again_keeps_its_id(redis: Redis) -> None:
    await tokens.register_bootstrap(redis, FIRST)
    before = (await Callers(redis).caller_of(FIRST)).id

    await tokens.create(redis, team="default", name="dev", scopes=("admin",), token=FIRST)

    assert before == (await Callers(redis).caller_of(FIRST)).id == 1


async def test_the_use_of_a_deleted_token_is_not_kept(redis: Redis) -> None:
    token = await tokens.create(redis, team="a", name="good", scopes=("read",))
    callers = Callers(redis)
    await callers.caller_of(token, "203.0.113.7")
    await callers.uses.written()
    digest = tokens.digest_of(token)
    noted = await redis.hget(account_keys.use(digest), "used_from")  # type: ignore[misc]

    await tokens.revoke(redis, digest[: tokens.ID_DIGITS])
    callers.uses.note_refusal(digest, "scope")
    await callers.uses.written()

    assert noted == "203.0.113.7"
    assert not await redis.exists(account_keys.use(digest))


async def test_a_note_that_cannot_be_written_fails_no_call(redis: Redis) -> None:
    token = await tokens.create(redis, team="a", name="good", scopes=("read",))
    await redis.set(account_keys.use(tokens.digest_of(token)), "of a wrong type")
    callers = Callers(redis)

    assert await callers.caller_of(token, "203.0.113.7")
    await callers.uses.written()
    assert await redis.get(account_keys.use(tokens.digest_of(token))) == "of a wrong type"


async def test_a_lost_count_of_ids_gives_none_twice(redis: Redis) -> None:
    for name in ("first", "second"):
        await tokens.create(redis, team="a", name=name, scopes=("read",))
    await redis.delete(f"{keyspace.prefix(keyspace.GLOBAL)}ids:1")

    third = await tokens.create(redis, team="a", name="third", scopes=("read",))

    assert (await Callers(redis).caller_of(third)).id == 3


async def test_a_bootstrap_token_stays_in_its_team_whatever_teams_are_called_by_now(redis: Redis) -> None:
    await tokens.register_bootstrap(redis, FIRST)
    await accounts.rename_team(redis, team=1, before="default", name="Billing")
    await tokens.create(redis, team="default", name="of somebody else", scopes=("admin",))

    await tokens.register_bootstrap(redis, FIRST)
    await tokens.register_bootstrap(redis, SECOND)

    assert await redis.hget(account_keys.token(tokens.digest_of(SECOND)), "team") == "1"  # type: ignore[misc]


async def test_a_token_that_ended_is_known_to_have(redis: Redis) -> None:
    assert not await tokens.has_ended(redis, FIRST)
    await tokens.create(redis, team="one", name="dev", scopes=("admin",), token=FIRST)
    assert not await tokens.has_ended(redis, FIRST)
    await tokens.revoke(redis, tokens.digest_of(FIRST)[: tokens.ID_DIGITS])
    assert await tokens.has_ended(redis, FIRST)


async def test_of_many_who_waited_with_one_token_one_looks_it_up(
    redis: Redis, token: str, other_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "CACHE_SECONDS", 0.0)
    callers = Callers(redis)
    ours, theirs = [await callers.caller_of(one) for one in (token, other_token)]
    await redis.config_resetstat()

    found = await asyncio.gather(*(callers.as_now(one) for one in [ours, theirs] * 20))

    assert found == [ours, theirs] * 20
    assert (await redis.info("commandstats"))["cmdstat_hgetall"]["calls"] == 2


async def test_a_caller_whose_token_was_revoked_is_none_any_more(
    redis: Redis, token: str, other_token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "CACHE_SECONDS", 0.0)
    callers = Callers(redis)
    ours, theirs = [await callers.caller_of(one) for one in (token, other_token)]

    await tokens.revoke(redis, ours.token)

    said = await asyncio.gather(*(callers.as_now(one) for one in (ours, theirs)), return_exceptions=True)
    assert isinstance(said[0], Unauthenticated)
    assert said[1] == theirs
