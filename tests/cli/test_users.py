"""`recuro user`, run as operators run it."""

import subprocess
import sys
from pathlib import Path

import pytest
from redis.asyncio import Redis

from services.cli.places import redis_name
from shared.actions import audit
from shared.actions.accounts import links, users
from shared.actions.accounts.links import Purpose
from shared.schemas.accounts.audit import AuditQuery
from shared.security.passwords import Passwords
from shared.settings import Settings
from shared.store import account_keys
from shared.store.keyspace import Team
from shared.store.transitions import Setting, accounts
from tests.cli.test_commands import recuro, started

CREATE = ("user", "create", "--email", "Ada@example.com", "--team", "red", "--name", "Ada")


async def run(settings: Settings, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return recuro(*arguments, folder=folder, RECURO_REDIS_URL=settings.redis_url)


@pytest.mark.usefixtures("token")
async def test_a_user_is_made_with_a_team_and_a_link_to_set_a_password(
    tmp_path: Path, redis: Redis, settings: Settings
) -> None:
    answer = await run(settings, tmp_path, *CREATE)

    address = answer.stdout.strip()
    assert address.startswith("http://127.0.0.1:8000/reset/")
    assert "user 1, Ada@example.com, of team 'red'" in answer.stderr
    assert "valid for 60 minutes, and once" in answer.stderr
    assert await links.take(redis, Purpose.RESET, address.rpartition("/")[2]) == 1
    assert await redis.hget(account_keys.team(2), "owner") == "1"  # type: ignore[misc]


@pytest.mark.usefixtures("token")
async def test_the_second_of_a_team_has_the_role_that_is_given(
    tmp_path: Path, redis: Redis, settings: Settings
) -> None:
    await run(settings, tmp_path, *CREATE)

    await run(
        settings, tmp_path, "user", "create", "--email", "b@example.com", "--team", "red", "--role", "admin"
    )
    again = await run(settings, tmp_path, *CREATE)
    listed = await run(settings, tmp_path, "user", "list")

    assert await redis.hget(account_keys.member(2, 2), "role") == "admin"  # type: ignore[misc]
    assert await redis.hget(account_keys.team(2), "owner") == "1"  # type: ignore[misc]
    assert (again.returncode, again.stdout) == (1, "")
    assert "a user has that address already" in again.stderr
    assert [line.split()[:2] for line in listed.stdout.splitlines()] == [
        ["ID", "EMAIL"],
        ["1", "Ada@example.com"],
        ["2", "b@example.com"],
    ]


def typed(settings: Settings, folder: Path, password: str) -> subprocess.CompletedProcess[str]:
    """Make the user with a password on standard input."""
    return subprocess.run(
        [*started("user", "password"), *CREATE, "--password-stdin"],
        cwd=folder,
        env={"PATH": str(Path(sys.executable).parent), "RECURO_REDIS_URL": settings.redis_url},
        input=password,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize(("password", "status"), [("seven otters knit\n", 0), ("qwertyuiop1\n", 1)])
async def test_a_password_is_read_from_standard_input(
    tmp_path: Path, redis: Redis, settings: Settings, password: str, status: int
) -> None:
    answer = typed(settings, tmp_path, password)

    assert (answer.returncode, answer.stdout) == (status, "")
    assert password.strip() not in answer.stderr
    user = await users.find(redis, "ada@example.com")
    assert (user is None) == bool(status)
    assert user is None or await Passwords().is_right(user.password, "seven otters knit")


async def test_no_user_goes_into_a_redis_that_is_not_ours_unless_it_is_to_begin_there(
    tmp_path: Path, redis: Redis, settings: Settings
) -> None:
    refused = await run(settings, tmp_path, *CREATE)
    begun = await run(settings, tmp_path, *CREATE, "--new")

    assert (refused.returncode, begun.returncode) == (1, 0)
    assert "--new" in refused.stderr
    assert await redis.hget(account_keys.team(1), "name") == "red"  # type: ignore[misc]


@pytest.mark.usefixtures("token")
async def test_a_reset_prints_a_link_and_removes_a_second_factor_if_told(
    tmp_path: Path, redis: Redis, settings: Settings
) -> None:
    await users.create(redis, email="ada@example.com", team="one")
    await accounts.change_user(redis, [Setting("totp", "sealed")], user=1, version="1")

    first = await run(settings, tmp_path, "user", "reset", "--email", "ADA@example.com")
    has_one = (await users.get(redis, 1)).totp
    second = await run(settings, tmp_path, "user", "reset", "--email", "ada@example.com", "--second-factor")

    assert (first.returncode, second.returncode) == (0, 0)
    assert has_one == "sealed"
    assert (await users.get(redis, 1)).totp == ""
    assert await links.take(redis, Purpose.RESET, second.stdout.strip().rpartition("/")[2]) == 1
    assert "nobody has proved" not in first.stderr


@pytest.mark.usefixtures("token")
async def test_a_reset_says_what_ends_of_a_user_whose_address_nobody_has_proved(
    tmp_path: Path, redis: Redis, settings: Settings
) -> None:
    await users.create(redis, email="ada@example.com", team="one")
    await accounts.change_user(redis, [Setting("email_proved", None)], user=1, version="1")

    answer = await run(settings, tmp_path, "user", "reset", "--email", "ada@example.com")

    assert answer.returncode == 0
    assert "nobody has proved that ada@example.com is theirs: ask who it is" in answer.stderr
    assert "/reset/" in answer.stdout


@pytest.mark.usefixtures("token")
async def test_without_a_second_factor_a_reset_says_that_none_was_removed(
    tmp_path: Path, redis: Redis, settings: Settings
) -> None:
    await users.create(redis, email="ada@example.com", team="one")

    answer = await run(settings, tmp_path, "user", "reset", "--email", "ada@example.com", "--second-factor")

    assert answer.returncode == 0
    assert "ada@example.com has no second factor, so none was removed" in answer.stderr
    assert "/reset/" in answer.stdout
    assert [line.operation for line in (await audit.page(redis, Team(1), AuditQuery())).data] == [
        "reset-user"
    ]


async def test_who_is_not_found_is_said_with_where_was_looked(
    tmp_path: Path, redis: Redis, settings: Settings
) -> None:
    nobody = await run(settings, tmp_path, "user", "reset", "--email", "no@example.com")
    listed = await run(settings, tmp_path, "user", "list")

    where = redis_name(settings.redis_url)
    assert f"No user has the address no@example.com in Redis at {where}." in nobody.stderr
    assert f"there are none in Redis at {where}." in listed.stderr
    assert "RECURO_DATA_DIR" not in nobody.stderr + listed.stderr


@pytest.mark.usefixtures("token")
async def test_what_an_operator_does_to_users_is_in_the_trail_of_their_teams(
    tmp_path: Path, redis: Redis, settings: Settings
) -> None:
    await run(settings, tmp_path, *CREATE)
    made = await run(settings, tmp_path, "user", "create", "--email", "b@example.com", "--team", "red")
    await accounts.change_user(redis, [Setting("totp", "sealed")], user=2, version="1")
    reset = await run(settings, tmp_path, "user", "reset", "--email", "b@example.com", "--second-factor")

    lines = (await audit.page(redis, Team(2), AuditQuery())).data

    assert [(line.operation, *line.about) for line in lines] == [
        ("reset-user", "user:2"),
        ("remove-second-factor", "user:2"),
        ("create-user", "member:2", "user:2"),
        ("create-user", "team:2", "member:1"),
    ]
    assert {(line.actor, line.interface) for line in lines} == {("operator", "cli")}
    assert lines[2].changes["email"].after == "b@example.com"
    assert lines[1].changes["has_second_factor"].before is True
    for answer in (made, reset):
        assert answer.stdout.strip().rpartition("/")[2] not in repr(lines)


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("arguments", [("reset", "--email", "no@example.com"), ("create", "--email", "ada")])
async def test_what_is_wrong_is_said_in_one_line(
    tmp_path: Path, settings: Settings, arguments: tuple[str, ...]
) -> None:
    answer = await run(settings, tmp_path, "user", *arguments)

    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith(f"recuro user {arguments[0]}: ")
    assert answer.stderr.count("\n") == 1


@pytest.mark.usefixtures("token")
async def test_a_reset_unlinks_a_user_from_a_provider_if_told(
    tmp_path: Path, redis: Redis, settings: Settings
) -> None:
    await run(settings, tmp_path, *CREATE)
    linked = [Setting("issuer", "https://login.example.com"), Setting("subject", "7")]
    await accounts.change_user(redis, linked, user=1, version="1")

    plain = await run(settings, tmp_path, "user", "reset", "--email", "ada@example.com")
    kept = await users.get(redis, 1)
    told = await run(settings, tmp_path, "user", "reset", "--email", "ada@example.com", "--single-sign-on")

    assert "single sign-on" not in plain.stderr
    assert kept.subject == "7"
    assert "the link to the provider of single sign-on is removed" in told.stderr
    user = await users.get(redis, 1)
    assert (user.issuer, user.subject) == ("", "")
