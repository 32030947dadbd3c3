"""`recuro user`: an operator makes users, lists them, and lets them in again."""

import argparse
import sys
from collections.abc import Sequence
from typing import NamedTuple

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
from shared.store import account_keys
from shared.store.transitions import Setting, accounts
from shared.store.writes import OURS, Write


class _Part(NamedTuple):
    """What a reset can remove of a user: its fields, of which the first says whether it is there."""

    name: str
    fields: tuple[str, ...]
    operation: str
    """As the audit trail has it."""


_SECOND_FACTOR = _Part(
    "second factor",
    ("totp", "totp_new", "totp_step", "recovery", "recovery_new", "wrong_codes", "code_rests"),
    "remove-second-factor",
)
_UNPROVED = (
    "recuro: nobody has proved that {} is theirs: ask who it is. With the first use of the link "
    "API tokens and invitations that the user made end too"
)
_SINGLE_SIGN_ON = _Part(
    "link to the provider of single sign-on", ("subject", "issuer"), "unlink-single-sign-on"
)


async def run(arguments: argparse.Namespace) -> int:
    """Do what was said; raises a RecuroError that says what is wrong."""
    match arguments.action:
        case "create":
            return await create(arguments)
        case "reset":
            given = (arguments.second_factor, _SECOND_FACTOR), (arguments.single_sign_on, _SINGLE_SIGN_ON)
            return await reset(arguments.email, [part for is_given, part in given if is_given])
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


async def reset(email: str, parts: Sequence[_Part]) -> int:
    """Print a link to set another password, with which the user's sessions end; and remove these parts."""
    async with opened() as (redis, where):
        user = await users.find(redis, email)
        if user is None:
            said = f"No user has the address {printable(email)} in Redis at {where}.{looked_for(load())}"
            raise Invalid("email", said)
        for part in parts:
            await _remove(redis, await users.get(redis, user.id), part)
        if not user.has_proved_email:
            print(_UNPROVED.format(printable(user.email)), file=sys.stderr)
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
    ids = await redis.smembers(account_keys.member_of(user.id))  # type: ignore[misc]
    names = {each: await redis.hget(account_keys.team(each), "name") for each in sorted(ids, key=int)}  # type: ignore[misc]
    return [printable(name or each) for each, name in names.items()]


async def _remove(redis: Redis, user: StoredUser, part: _Part) -> None:
    if not getattr(user, part.fields[0]):
        print(f"recuro: {printable(user.email)} has no {part.name}, so none was removed", file=sys.stderr)
        return
    before = user.shown()
    after = before.model_copy(update={"has_second_factor": False, "recovery_codes_left": 0})
    is_factor = part is _SECOND_FACTOR
    changes = audit.changes(before, after) if is_factor else audit.changed("issuer", user.issuer, "")
    if not await accounts.change_user(
        redis,
        [Setting(name, None) for name in part.fields],
        user=user.id,
        version=user.version,
        ends_sessions=True,
        write=_written(part.operation, changes),
    ):
        raise Conflict("The user was changed at the same moment; try again.")
    print(f"recuro: the {part.name} is removed, and all sessions ended", file=sys.stderr)


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
