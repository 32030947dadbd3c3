"""`recuro user`: an operator makes users, lists them, and lets them in again."""

import argparse
import sys
from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis

from services.cli.places import url_of
from services.cli.reports import day, is_ours, opened, print_rows, printable
from shared.actions.accounts import links, users
from shared.actions.accounts.links import VALID_MINUTES, Purpose
from shared.actions.accounts.users import StoredUser
from shared.errors import Conflict, Invalid, NotFound
from shared.schemas.accounts.users import Email, Role
from shared.security import passwords
from shared.security.passwords import Passwords
from shared.settings import load
from shared.store import keyspace
from shared.store.transitions import Setting, accounts

_SECOND_FACTOR = ("totp", "totp_new", "totp_step", "recovery", "wrong_codes", "code_rests")
_SINGLE_SIGN_ON = ("issuer", "subject")
_REMOVED = {
    "totp": "the second factor is removed",
    "subject": "the link to the provider of single sign-on is removed",
}


async def run(arguments: argparse.Namespace) -> int:
    """Do what was said; raises a RecuroError that says what is wrong."""
    match arguments.action:
        case "create":
            return await create(arguments)
        case "reset":
            given = (arguments.second_factor, _SECOND_FACTOR), (arguments.single_sign_on, _SINGLE_SIGN_ON)
            return await reset(
                arguments.email, [name for is_given, names in given if is_given for name in names]
            )
        case _:
            return await show()


async def create(given: argparse.Namespace) -> int:
    """Make a user, with a password from standard input or a link to set one; 1 in a Redis of others."""
    email = _address(given.email)
    password = sys.stdin.readline().rstrip("\r\n") if given.password_stdin else None
    if password is not None:
        passwords.check(password, email, given.name)
    stored = await Passwords().hashed(password) if password is not None else None
    async with opened() as (redis, where):
        if not given.new and not await is_ours(redis, where):
            return 1
        user = await users.create(
            redis, email=email, name=given.name, password=stored, team=given.team, role=Role(given.role)
        )
        print(f"recuro: user {user}, {email}, of team {given.team!r}, kept in {where}", file=sys.stderr)
        if stored is None:
            await _print_link(redis, user)
    return 0


async def reset(email: str, gone: Sequence[str]) -> int:
    """Print a link to set another password, which ends the user's sessions; `gone` are fields to remove."""
    async with opened() as (redis, _):
        user = await users.find(redis, email)
        if user is None:
            raise NotFound("User")
        if gone:
            await _remove(redis, user, gone)
        await _print_link(redis, user.id)
    return 0


async def show() -> int:
    """Print a line for each user."""
    rows = [("ID", "EMAIL", "NAME", "TEAMS", "SECOND FACTOR", "CREATED")]
    async with opened() as (redis, _):
        found = sorted([user async for user in users.listed(redis)], key=lambda user: user.id)
        for user in found:
            names = ", ".join(await _teams(redis, user))
            has = "yes" if user.totp else "no"
            rows.append(
                (str(user.id), printable(user.email), printable(user.name), names, has, day(user.created_ms))
            )
    print_rows(rows)
    return 0


async def _teams(redis: Redis, user: StoredUser) -> list[str]:
    ids = await redis.smembers(keyspace.member_of(user.id))  # type: ignore[misc]
    return [printable(await redis.hget(keyspace.team(each), "name") or each) for each in sorted(ids, key=int)]  # type: ignore[misc]


async def _remove(redis: Redis, user: StoredUser, gone: Sequence[str]) -> None:
    changes = [Setting(name, None) for name in gone]
    if not await accounts.change_user(redis, changes, user=user.id, version=user.version, ends_sessions=True):
        raise Conflict("The user was changed at the same moment; try again.")
    for name, said in _REMOVED.items():
        if name in gone:
            print(f"recuro: {said}, and all sessions ended", file=sys.stderr)


async def _print_link(redis: Redis, user: int) -> None:
    settings = load()
    base = settings.public_url or url_of(settings.api_host, settings.api_port)
    code = await links.make(redis, Purpose.RESET, user)
    print(f"recuro: valid for {VALID_MINUTES[Purpose.RESET]} minutes, and once", file=sys.stderr)
    print(links.address_of(base, Purpose.RESET, code))


def _address(text: str) -> str:
    try:
        return TypeAdapter(Email).validate_python(text)
    except ValidationError:
        raise Invalid("email", "--email must be an e-mail address, as ada@example.com.") from None
