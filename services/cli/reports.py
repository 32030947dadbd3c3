"""Print the results of the short commands: the doctor's findings, tokens."""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from pydantic import ValidationError
from redis.asyncio import Redis

from services.cli.doctor import examine, reconcile_all
from services.cli.places import in_vain, looked_for, redis_name, with_redis_nearby
from shared import clock
from shared.actions import audit, resealing
from shared.actions.accounts import saying
from shared.errors import Damaged, Invalid, NotFound
from shared.operations import written_by
from shared.schemas.accounts.tokens import TokenCreate
from shared.schemas.validation import by_field
from shared.security import tokens, vault
from shared.settings import load
from shared.store import connection, keyspace, moments, transitions
from shared.store.care import retention
from shared.store.writes import Write

UNNAMED = "token"


async def doctor(*, reconcile: bool = False) -> int:
    """Print a line for each finding, with `reconcile` about all stored data too; 1 if one of them is bad."""
    async with opened() as (redis, _):
        findings = await examine(redis)
        if reconcile:
            findings += await reconcile_all(redis)
    for finding in findings:
        print(f"{'ok  ' if finding.good else 'FAIL'} {finding.text}")
    return 0 if all(finding.good for finding in findings) else 1


async def new_token(team: str, name: str | None, scope: str, *, begin: bool) -> int:
    """Print a new token, which is shown nowhere else, and on standard error its purpose and place.

    A Redis that no service of ours has used yet gets a token only with `begin`.
    """
    async with opened() as (redis, where):
        if not begin and not await is_ours(redis, where):
            return 1
        try:
            name, token = await _made(redis, team, name, scope)
        except Invalid as error:
            print(f"recuro: {error}", file=sys.stderr)
            return 1
    print(f"recuro: token {name!r} of team {team!r}, scope {scope}, kept in {where}", file=sys.stderr)
    print(token)
    return 0


async def _made(redis: Redis, team: str, name: str | None, scope: str) -> tuple[str, str]:
    """The name of a new token and itself; without a name the first that is free. Raises Invalid."""
    number = 1
    while True:
        wanted = _wanted(name or (UNNAMED if number == 1 else f"{UNNAMED} {number}"), scope)
        write = written_by(tokens.OPERATOR, "create-token", audit.changes(None, wanted))
        try:
            made = await tokens.create(redis, team=team, name=wanted.name, scopes=wanted.scopes, write=write)
        except Invalid:
            number += 1
            if name or number > transitions.MOST_TOKENS:
                raise
        else:
            return wanted.name, made


def _wanted(name: str, scope: str) -> TokenCreate:
    try:
        return TokenCreate.model_validate({"name": name, "scopes": [scope]})
    except ValidationError as error:
        raise Invalid("name", by_field(error, TokenCreate)["name"][0]) from None


async def is_ours(redis: Redis, where: str) -> bool:
    """Whether a service of ours has used this Redis; if not, say how to go on."""
    others = await tokens.keys_of_others(redis)
    if others is None:
        return True
    kept = f"{others} keys of others and nothing" if others else "nothing"
    print(
        f"recuro: Redis at {where} holds {kept} of Recuro's. Set RECURO_REDIS_URL to the one of the "
        f"services, or say --new to begin in this one.{looked_for(load())}",
        file=sys.stderr,
    )
    return False


async def list_tokens() -> int:
    """Print a line for each token, without the token itself, which is not stored."""
    async with opened() as (redis, where):
        found = await tokens.listed(redis)
        now = await moments.now(redis, keyspace.SHARDS[0])
    print_rows([_TOKEN_COLUMNS, *(_token_row(each, now) for each in found)], where)
    return 0


_TOKEN_COLUMNS = ("ID", "TEAM", "NAME", "SCOPE", "CREATED", "EXPIRES", "USER", "LIMITS")


def _token_row(token: tokens.Listed, now: datetime) -> tuple[str, ...]:
    ends = token.limits.expires_at if token.limits else None
    never = "never" if token.limits else "unknown"
    return (
        token.id,
        printable(token.team),
        printable(token.name),
        ",".join(token.scopes),
        day(token.created_ms),
        never if ends is None else "expired" if ends <= now else day(clock.milliseconds(ends)),
        printable(token.user) if token.user else "-",
        "cannot be read" if token.limits is None else saying.limits(token.limits) or "-",
    )


def print_rows(rows: Sequence[Sequence[str]], where: str) -> None:
    """As a table whose columns stand below each other; without any, in which Redis there are none."""
    if len(rows) == 1:
        print(f"recuro: there are none in Redis at {where}.{looked_for(load())}", file=sys.stderr)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


async def show_retention(*, confirm: bool) -> int:
    """Print a line for each kind of history that waits to be removed, or let it be removed."""
    nothing = True
    async with opened() as (redis, _):
        for shard in keyspace.SHARDS:
            for one in await retention.waiting(redis, shard):
                nothing = False
                goes = "now" if confirm else f"from {one.until.isoformat(timespec='minutes')} on"
                print(f"{one.what}: goes {goes}")
            if confirm:
                await retention.confirm(redis, shard)
    if nothing:
        print("nothing waits")
    return 0


async def revoke_token(token_id: str) -> int:
    """Revoke a token by its id, and print which it was; 1 if there is none."""
    async with opened() as (redis, where):
        try:
            ended = await tokens.revoke(redis, token_id, _revoking)
        except NotFound:
            print(
                f"recuro: no token {token_id} in {where}; `recuro token list` shows the ids", file=sys.stderr
            )
            return 1
    print(f"ended token {ended.id}: {ended.name!r} of team {ended.team!r}; it is refused within 5 s")
    if ended.is_bootstrap:
        print(
            "an API that starts with the same RECURO_BOOTSTRAP_TOKEN makes it known again: take it away there"
        )
    return 0


def _revoking(token: tokens.Listed) -> Write:
    said = audit.made(name=token.name)
    return written_by(tokens.OPERATOR, "delete-token", said)


async def reseal() -> int:
    """Seal all stored secrets with the first key, and print how many; 1 if one of them cannot be sealed."""
    settings = with_redis_nearby(load())
    keys = vault.load(settings)
    async with opened() as (redis, where):
        count = await resealing.reseal_all(redis, keys)
    print(f"{where}: {count.seen} records looked at, {count.resealed} sealed anew with the first key")
    if count.locked:
        print(
            f"recuro: {len(count.locked)} could not be opened: {_some(count.locked)}. Add the key that "
            "sealed them to RECURO_ENCRYPTION_KEY after a comma; until then keep every key that is there.",
            file=sys.stderr,
        )
    if count.damaged:
        print(
            f"recuro: {len(count.damaged)} are damaged: {_some(count.damaged)}. Mend or delete them, then "
            "run this again; until then keep every key that is there.",
            file=sys.stderr,
        )
    if not count.is_complete:
        return 1
    print("Keep the first key of RECURO_ENCRYPTION_KEY alone, once every service was started with it first.")
    return 0


def _some(names: list[str]) -> str:
    return ", ".join(names[:20]) + (", …" if len(names) > 20 else "")


def printable(name: str) -> str:
    """The text on one line, without terminal control characters; an empty one is made visible."""
    return name if name and name.isprintable() else repr(name)


def day(milliseconds: int) -> str:
    return clock.moment(milliseconds).date().isoformat() if milliseconds else "unknown"


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[Redis, str]]:
    """The Redis of the settings or of the `recuro dev` here, with its name; exits with one line if none."""
    settings = with_redis_nearby(load())
    for sentence in in_vain():
        print(f"recuro: {sentence}", file=sys.stderr)
    redis = connection.connect(settings)
    where = redis_name(settings.redis_url)
    try:
        yield redis, where
    except (Damaged, *connection.AWAY) as error:
        said = connection.text_of(error).rstrip(".")
        sys.exit(f"recuro: Redis at {where} cannot be used: {said}.{looked_for(settings)}")
    finally:
        await redis.aclose()
