"""Signing in, and what a session is worth."""

import asyncio

import pytest
from argon2 import PasswordHasher
from redis.asyncio import Redis

from shared.actions import audit
from shared.actions.accounts import links, sessions, sign_in, users
from shared.actions.accounts.links import Purpose
from shared.actions.accounts.sign_in import SignedIn
from shared.actions.accounts.visits import ACCOUNT_BURST, Accounts, Visitor
from shared.errors import Forbidden, NotFound, TooManyAttempts, Unauthenticated
from shared.schemas.accounts.audit import AuditQuery
from shared.security.brake import BURST
from shared.security.passwords import Passwords
from shared.security.sessions import Sessions
from shared.security.tokens import digest_of
from shared.store import account_keys
from shared.store.keyspace import Team
from shared.store.transitions import accounts
from tests import lost
from tests.actions.people import ADA, GRACE, PASSWORD, enter, in_browser, later, make, signed

MINUTE, DAY = 60_000, 86_400_000


async def test_a_password_opens_a_session_in_the_users_team(having: Accounts, visitor: Visitor) -> None:
    await make(having)

    entered = await enter(having, visitor, "ada@EXAMPLE.com ")

    who = await signed(having, entered.session)
    assert (who.user, who.email, who.name, who.role) == (1, "Ada@example.com", "Ada", "admin")
    assert who.caller.team.id == 1
    assert (who.caller.name, who.caller.user) == ("Ada@example.com", 1)
    assert who.caller.has("admin")


async def test_a_member_may_write_and_no_more(having: Accounts, visitor: Visitor) -> None:
    await make(having)
    await make(having, GRACE)

    who = await signed(having, (await enter(having, visitor, GRACE)).session)

    assert who.caller.has("write")
    assert not who.caller.has("admin")


async def test_redis_has_neither_the_session_nor_the_password(
    having: Accounts, visitor: Visitor, redis: Redis
) -> None:
    await make(having)
    entered = await enter(having, visitor)

    kept = await lost.everything(redis)

    for secret in (entered.session, PASSWORD):
        assert not [key for key, value in kept.items() if secret in key or secret in str(value)]
    assert entered.session not in repr((entered, in_browser(visitor, entered.session)))


@pytest.mark.parametrize(
    ("email", "password"), [(ADA, "wrong otters knit"), ("nobody@example.com", PASSWORD), (ADA, "")]
)
async def test_a_wrong_password_and_an_unknown_user_are_told_alike(
    having: Accounts, visitor: Visitor, email: str, password: str
) -> None:
    await make(having)

    with pytest.raises(Unauthenticated, match=r"^The e-mail address or the password is wrong$"):
        await sign_in.with_password(having, visitor, email, password)


async def test_of_an_unknown_user_a_password_is_verified_as_of_a_known_one(
    redis: Redis, having: Accounts, visitor: Visitor
) -> None:
    verified = []

    class Noting(PasswordHasher):
        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
            verified.append(hash)
            return super().verify(hash, password)

    passwords = Passwords(Noting(time_cost=1, memory_cost=8, parallelism=1))
    noting = Accounts(redis, having.vault, having.settings, passwords, having.sessions, having.brakes)

    with pytest.raises(Unauthenticated):
        await sign_in.with_password(noting, visitor, "nobody@example.com", PASSWORD)

    assert len(verified) == 1


async def test_a_user_without_a_password_signs_in_by_none(having: Accounts, visitor: Visitor) -> None:
    await users.create(having.redis, email=ADA)

    with pytest.raises(Unauthenticated):
        await sign_in.with_password(having, visitor, ADA, "")


async def test_a_session_from_before_the_sign_in_is_worthless_after(
    having: Accounts, visitor: Visitor
) -> None:
    await make(having)
    planted = (await enter(having, visitor)).session

    entered = await enter(having, in_browser(visitor, planted))

    assert entered.session != planted
    assert (await signed(having, entered.session)).user == 1
    with pytest.raises(Unauthenticated):
        await having.sessions.signed(planted)


async def test_a_session_that_never_was_is_not_adopted(having: Accounts, visitor: Visitor) -> None:
    await make(having)

    entered = await enter(having, in_browser(visitor, "chosen-by-somebody-else"))

    assert entered.session != "chosen-by-somebody-else"
    with pytest.raises(Unauthenticated):
        await signed(having, "chosen-by-somebody-else")


async def test_a_session_ends_without_use_and_lives_on_with_it(
    having: Accounts, visitor: Visitor, redis: Redis
) -> None:
    await make(having)
    used, unused = (await enter(having, visitor)).session, (await enter(having, visitor)).session

    await later(redis, 13 * DAY)
    await signed(having, used)
    await later(redis, 15 * DAY)

    assert (await signed(having, used)).user == 1
    with pytest.raises(Unauthenticated):
        await signed(having, unused)
    assert await redis.zcard(account_keys.sessions(1)) == 1


async def test_a_session_ends_however_much_it_is_used(
    having: Accounts, visitor: Visitor, redis: Redis
) -> None:
    await make(having)
    session = (await enter(having, visitor)).session
    for days in range(10, 90, 10):
        await later(redis, days * DAY)
        await signed(having, session)

    await later(redis, 90 * DAY)

    with pytest.raises(Unauthenticated):
        await signed(having, session)


async def test_sessions_are_listed_and_revoked(having: Accounts, visitor: Visitor, redis: Redis) -> None:
    await make(having)
    first, second, third = [(await enter(having, visitor)).session for _ in range(3)]
    who = await signed(having, first)

    listed = await sessions.listed(redis, who)
    await sessions.revoke(having, visitor, who, digest_of(second)[:12])
    ended = await sessions.revoke_others(having, visitor, who)

    assert {(one.is_this, one.address, one.client) for one in listed} == {
        (True, "192.0.2.7", "Firefox"),
        (False, "192.0.2.7", "Firefox"),
    }
    assert ended == 1
    assert [one.is_this for one in await sessions.listed(redis, who)] == [True]
    for gone in (second, third):
        with pytest.raises(Unauthenticated):
            await signed(having, gone)
    others, one = (await audit.page(redis, Team(1), AuditQuery())).data
    assert (others.operation, others.actor, others.about) == ("end-other-sessions", ADA, ("user:1",))
    assert (one.operation, one.interface, one.token) == ("end-session", "web", digest_of(first)[:12])
    assert one.changes["session"].before == digest_of(second)[:12]


@pytest.mark.parametrize("wrong", ["", "0" * 12, "x"])
async def test_only_a_session_of_the_user_is_revoked(having: Accounts, visitor: Visitor, wrong: str) -> None:
    await make(having)
    await make(having, GRACE)
    graces = (await enter(having, visitor, GRACE)).session
    who = await signed(having, (await enter(having, visitor)).session)

    for session_id in (wrong, digest_of(graces)[:12]):
        with pytest.raises(NotFound):
            await sessions.revoke(having, visitor, who, session_id)

    assert (await signed(having, graces)).user == 2
    assert not (await audit.page(having.redis, Team(1), AuditQuery())).data


async def test_who_signs_out_is_out(having: Accounts, visitor: Visitor) -> None:
    await make(having)
    session = (await enter(having, visitor)).session

    await sessions.sign_out(having, await having.sessions.signed(session))

    with pytest.raises(Unauthenticated):
        await having.sessions.signed(session)


async def test_a_role_and_a_removal_hold_once_the_session_is_looked_up_again(
    having: Accounts, visitor: Visitor, redis: Redis
) -> None:
    await make(having)
    await make(having, GRACE)
    session = (await enter(having, visitor, GRACE)).session

    await accounts.set_role(redis, team=1, user=2, role="admin", before="member")
    promoted = await signed(having, session)
    await accounts.remove_member(redis, team=1, user=2)
    removed = await signed(having, session)

    assert promoted.caller.has("admin")
    assert removed.team is None
    with pytest.raises(Forbidden, match="You are in no team"):
        _ = removed.caller


async def test_a_process_remembers_for_five_seconds_who_is_signed_in(
    having: Accounts, visitor: Visitor, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(having)
    session = (await enter(having, visitor)).session
    known = Sessions(redis, having.settings)
    await known.signed(session)
    await accounts.end_sessions(redis, user=1)

    remembered = await known.signed(session)
    monkeypatch.setattr("shared.security.sessions.time.monotonic", lambda: 10.0**9)

    assert remembered.user == 1
    with pytest.raises(Unauthenticated):
        await known.signed(session)


async def test_sessions_in_a_deleted_team_act_in_none(
    having: Accounts, visitor: Visitor, redis: Redis
) -> None:
    await make(having)
    session = (await enter(having, visitor)).session

    await accounts.delete_team(redis, team=1, before=1, name="one", now_ms=1)

    assert (await signed(having, session)).team is None
    assert (await signed(having, (await enter(having, visitor)).session)).team is None
    assert await sessions.teams(redis, await signed(having, session)) == []


async def test_a_user_has_a_hundred_sessions_at_most(
    having: Accounts, visitor: Visitor, redis: Redis
) -> None:
    await make(having)
    user = await users.get(redis, 1)
    opened = [(await sign_in.opened(having, visitor, user)).session for _ in range(103)]

    who = await signed(having, opened[-1])

    assert len(await sessions.listed(redis, who)) == 100
    with pytest.raises(Unauthenticated):
        await signed(having, opened[0])


async def test_who_sprays_one_password_over_many_users_is_braked_by_address(
    having: Accounts, visitor: Visitor
) -> None:
    for number in range(BURST):
        with pytest.raises(Unauthenticated):
            await sign_in.with_password(having, visitor, f"user{number}@example.com", "Summer2026!")

    with pytest.raises(TooManyAttempts, match="attempts to sign in failed") as braked:
        await sign_in.with_password(having, visitor, "another@example.com", "Summer2026!")

    assert 1 <= braked.value.wait_seconds <= 10


async def test_who_tries_many_passwords_of_one_user_from_many_addresses_is_braked_too(
    having: Accounts,
) -> None:
    await make(having)
    for number in range(ACCOUNT_BURST):
        with pytest.raises(Unauthenticated):
            await sign_in.with_password(having, Visitor(f"192.0.2.{number}"), ADA, f"wrong otters {number}")

    with pytest.raises(TooManyAttempts):
        await sign_in.with_password(having, Visitor("192.0.2.99"), ADA.lower(), "wrong otters 99")


async def test_right_passwords_are_never_braked(having: Accounts, visitor: Visitor) -> None:
    await make(having)

    for _ in range(BURST + ACCOUNT_BURST):
        await enter(having, visitor)


async def test_a_hash_of_older_parameters_is_renewed_by_who_signs_in(
    having: Accounts, visitor: Visitor
) -> None:
    old = await Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)).hashed(PASSWORD)
    await users.create(having.redis, email=ADA, password=old, team="one")

    await enter(having, visitor)

    renewed = (await users.get(having.redis, 1)).password
    assert renewed != old
    assert not having.passwords.is_outdated(renewed)
    await enter(having, visitor)


async def test_a_sign_in_link_works_once_and_of_two_at_once_for_one(
    having: Accounts, visitor: Visitor
) -> None:
    await make(having)
    code = await links.make(having.redis, Purpose.SIGN_IN, 1)

    tried = await asyncio.gather(
        *(sign_in.with_link(having, visitor, code) for _ in range(5)), return_exceptions=True
    )

    entered = [one for one in tried if isinstance(one, SignedIn)]
    assert len(entered) == 1
    assert sum(isinstance(one, NotFound) for one in tried) == 4
    assert (await signed(having, entered[0].session)).user == 1


async def test_a_sign_in_link_ends_after_a_quarter_of_an_hour_or_with_a_newer_one(
    having: Accounts, visitor: Visitor, redis: Redis
) -> None:
    await make(having)
    first, second = [await links.make(redis, Purpose.SIGN_IN, 1) for _ in range(2)]

    with pytest.raises(NotFound):
        await sign_in.with_link(having, visitor, first)
    await later(redis, 15 * MINUTE)
    with pytest.raises(NotFound):
        await sign_in.with_link(having, visitor, second)


async def test_a_code_is_good_for_its_own_purpose_alone(
    having: Accounts, visitor: Visitor, redis: Redis
) -> None:
    await make(having)
    reset = await links.make(redis, Purpose.RESET, 1)

    with pytest.raises(NotFound):
        await sign_in.with_link(having, visitor, reset)

    assert await links.take(redis, Purpose.RESET, reset) == 1


async def test_a_session_is_switched_to_another_team_of_its_user_only(
    having: Accounts, visitor: Visitor, redis: Redis
) -> None:
    await make(having)
    await make(having, GRACE, team="two")
    entered = await enter(having, visitor)
    await accounts.create_team(redis, name="three", user=1, shard="s0", now_ms=1)

    await sessions.switch_team(having, await signed(having, entered.session), 3)
    who = await signed(having, entered.session)
    with pytest.raises(NotFound):
        await sessions.switch_team(having, who, 2)

    assert who.caller.team.id == 3
    assert [(one.id, one.name, one.is_owner) for one in await sessions.teams(redis, who)] == [
        (1, "one", True),
        (3, "three", True),
    ]


async def test_an_address_of_any_length_takes_no_room(having: Accounts, visitor: Visitor) -> None:
    for number in range(3):
        with pytest.raises(Unauthenticated):
            await sign_in.with_password(having, visitor, f"{number}" + "x" * 1_000_000, "seven otters knit")

    assert all(len(name) < 100 for name in having.brakes._users._budgets)
