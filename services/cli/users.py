"""`recuro user`: an operator makes users, lists them, and lets them in again."""

import argparse
import sys

from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis

from services.cli.places import looked_for, url_of
from services.cli.reports import day, is_ours, opened, print_rows, printable
from shared.actions import audit
from shared.actions.accounts import links, users
from shared.actions.accounts.links import VALID_MINUTES, Purpose
from shared.actions.accounts.users import StoredUser
from shared.errors import Conflict, Invalid
from shared.operations import written_by
from shared.schemas.accounts.users import Email, Role
from shared.security import passwords, tokens
from shared.security.passwords import Passwords
from shared.settings import load
from shared.store import keyspace
from shared.store.transitions import Setting, accounts
from shared.store.writes import OURS, Write

_SECOND_FACTOR = ("totp", "totp_new", "totp_step", "recovery", "wrong_codes", "code_rests")


async def run(arguments: argparse.Namespace) -> int:
    """Do what was said; raises a RecuroError that says what is wrong."""
    match arguments.action:
        case "create":
            return await create(arguments)
        case "reset":
            return await reset(arguments.email, second_factor=arguments.second_factor)
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
            redis,
            email=email,
            name=given.name,
            password=stored,
            team=given.team,
            role=Role(given.role),
            write=_written("create-user", audit.made(email=email, name=given.name)),
        )
        print(f"recuro: user {user}, {email}, of team {given.team!r}, kept in {where}", file=sys.stderr)
        if stored is None:
            await _print_link(redis, user)
    return 0


async def reset(email: str, *, second_factor: bool) -> int:
    """Print a link to set another password; with it all sessions of the user end."""
    async with opened() as (redis, where):
        user = await users.find(redis, email)
        if user is None:
            said = f"No user has the address {printable(email)} in Redis at {where}.{looked_for(load())}"
            raise Invalid("email", said)
        if second_factor:
            await _remove_second_factor(redis, user)
        await _print_link(redis, user.id, _written("reset-user"))
    return 0


async def show() -> int:
    """Print a line for each user."""
    rows = [("ID", "EMAIL", "NAME", "TEAMS", "ADDRESS", "SECOND FACTOR", "CREATED")]
    async with opened() as (redis, where):
        found = sorted([user async for user in users.listed(redis)], key=lambda user: user.id)
        for user in found:
            names = ", ".join(await _teams(redis, user))
            has = "yes" if user.totp else "no"
            proved = "proved" if user.has_proved_email else "not proved"
            who = str(user.id), printable(user.email), printable(user.name)
            rows.append((*who, names, proved, has, day(user.created_ms)))
    print_rows(rows, where)
    return 0


async def _teams(redis: Redis, user: StoredUser) -> list[str]:
    ids = await redis.smembers(keyspace.member_of(user.id))  # type: ignore[misc]
    return [printable(await redis.hget(keyspace.team(each), "name") or each) for each in sorted(ids, key=int)]  # type: ignore[misc]


async def _remove_second_factor(redis: Redis, user: StoredUser) -> None:
    if not user.totp:
        print(f"recuro: {printable(user.email)} has no second factor, so none was removed", file=sys.stderr)
        return
    gone = [Setting(name, None) for name in _SECOND_FACTOR]
    before = user.shown()
    after = before.model_copy(update={"has_second_factor": False, "recovery_codes_left": 0})
    if not await accounts.change_user(
        redis,
        gone,
        user=user.id,
        version=user.version,
        ends_sessions=True,
        write=_written("remove-second-factor", audit.changes(before, after)),
    ):
        raise Conflict("The user was changed at the same moment; try again.")
    print("recuro: the second factor is removed, and all sessions ended", file=sys.stderr)


async def _print_link(redis: Redis, user: int, write: Write = OURS) -> None:
    settings = load()
    base = settings.public_url or url_of(settings.api_host, settings.api_port)
    code = await links.make(redis, Purpose.RESET, user, write)
    print(f"recuro: valid for {VALID_MINUTES[Purpose.RESET]} minutes, and once", file=sys.stderr)
    print(links.address_of(base, Purpose.RESET, code))


def _written(operation: str, changes: str = "") -> Write:
    return written_by(tokens.OPERATOR, operation, changes)


def _address(text: str) -> str:
    try:
        return TypeAdapter(Email).validate_python(text)
    except ValidationError:
        raise Invalid("email", "--email must be an e-mail address, as ada@example.com.") from None
