"""docs/records.md, compared with the text of the Lua: who writes and reads which field, in both directions."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest
from redis.asyncio import Redis

from shared.actions import limits, notifications, resealing, signatures
from shared.actions.redaction import of_team
from shared.schemas.notifications import Notifications
from shared.schemas.queues import QueueSettings
from shared.schemas.teams import MonthlyLimits, Redaction
from shared.security import tokens
from shared.store import account_keys, keyspace
from shared.store.care import watchdog
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.docs.lua_writes import ANY, Command, commands, reading
from tests.docs.pages import code, tables
from tests.docs.records import (
    GLOBAL,
    HASHES,
    KEYS,
    PAGE,
    WORK,
    documented,
    kind_of,
    kinds,
    place_of,
    rows_of_key,
)

ROOT = Path(__file__).parents[2]
PUTS = ("SET", "ZADD", "ZINCRBY", "SADD", "RPUSH", "XADD")
LOOKS = (
    *(
        "EXISTS",
        "GET",
        "MGET",
        "GETRANGE",
        "LRANGE",
        "LPOS",
        "LPOP",
        "SMEMBERS",
        "SRANDMEMBER",
        "XLEN",
        "XRANGE",
        "XPENDING",
        "ZRANGE",
    ),
    *("ZRANGEBYSCORE", "ZREVRANGEBYSCORE", "ZCARD", "ZCOUNT", "ZSCORE", "ZMSCORE", "ZRANK", "ZSCAN"),
)
BY_ANY_NAME = {
    "reseal.lua": "its places are those of shared/actions/resealing.py",
    "set_team.lua": "see SET_BY_TEAMS",
    "change_user.lua": "see CHANGED_OF_USERS",
}
SET_BY_TEAMS = {"signing", "request_limit", "soft_limit", "notifications", "channels", "redact", "version"}
SET_OF_QUEUES = {*QueueSettings().for_transitions()}
"""What `save_queue.lua` is given with its names."""
CHANGED_OF_USERS = {
    *("version", "name", "password", "email_proved"),
    *("totp", "totp_new", "totp_step", "recovery", "recovery_new"),
}
NOBODY = {
    "post_tally": "writes what `tally` was called with, and whoever calls that is named",
    "write_index": "writes what `change_index` was called with",
    "fields_of": "reads what it is asked for, and whoever calls it is named",
    "values_of": "the same",
    "put_record_aside": "looks at a record of any kind for its owner",
}
Users = dict[tuple[str, str], set[str]]
"""By kind of record (ANY: of j, e or n) and field, which functions."""


def fields_of(command: Command) -> Iterator[str]:
    match command.name:
        case "HSET":
            named = command.arguments[0::2]
        case "HSETNX" | "HINCRBY":
            named = command.arguments[:1]
        case "HGET" | "HMGET" | "HEXISTS":
            named = command.arguments
        case _:
            named = ()
    for one in named:
        yield from reading().texts(one)


@cache
def users(names: tuple[str, ...]) -> Users:
    found: Users = defaultdict(set)
    for command in commands():
        if command.name in names and command.by not in (*BY_ANY_NAME, *NOBODY):
            for field in fields_of(command):
                found[kind_of(command.key), field].add(command.by)
    return found


@cache
def writers() -> Users:
    found: Users = defaultdict(
        set, {place: set(by) for place, by in users(("HSET", "HSETNX", "HINCRBY")).items()}
    )
    for place in resealing._PLACES:
        for field in (place.field, "version" if place.has_version else ""):
            if field:
                found[kind_of(place.keys), field].add("reseal.lua")
    for field in SET_BY_TEAMS:
        found["t", field].add("set_team.lua")
    for field in SET_OF_QUEUES:
        found["q", field].add("save_queue.lua")
    for field in CHANGED_OF_USERS:
        found["user", field].add("change_user.lua")
    return found


def readers() -> Users:
    return users(("HGET", "HMGET", "HEXISTS"))


def gathered(found: Users, named: str) -> Users:
    """By row instead of by field; nothing that is written or read may be without one."""
    by_row: Users = defaultdict(set)
    for (kind, field), by in found.items():
        places = [(one, place_of(one, field)) for one in (WORK if kind == ANY else (kind,))]
        known = [(one, place) for one, place in places if place]
        if not known and kind == "q" and is_in_fields_page(field):
            continue
        if kind in WORK and not known:  # who looks at jobs and executions alike names fields of both
            known = [(one, field) for one in WORK if place_of(one, field) and by <= found[one, field]]
        assert known, f"no row of `{kind}:` is `{field}`, which {', '.join(sorted(by))} {named}"
        for one, place in known:
            by_row[one, place] |= by
    return by_row


def is_in_fields_page(setting: str) -> bool:
    """Whether a queue stores it under the name that callers know, so that docs/fields.md says all of it."""
    return setting in SET_OF_QUEUES and setting in QueueSettings.model_fields


def differences(found: Users, column: str) -> dict[str, Mapping[str, Iterable[str]]]:
    wrong: dict[str, Mapping[str, Iterable[str]]] = {}
    for field, of, named in documented(column):
        expected = set().union(*(found.get((kind, field), set()) for kind in of))
        in_lua = {name for name in named if not name.endswith(".py")}
        if in_lua != expected:
            where = f"{' '.join(of)}: {field}"
            wrong[where] = {"is missing": sorted(expected - in_lua), "is too much": sorted(in_lua - expected)}
    return wrong


def test_the_page_names_for_each_field_all_who_write_it_and_nobody_else() -> None:
    assert differences(gathered(writers(), "writes"), "Written by") == {}


def test_the_page_names_for_each_field_all_who_read_it_by_name() -> None:
    assert differences(gathered(readers(), "reads"), "Read by") == {}


def test_some_transition_reads_each_setting_that_is_stored_for_it() -> None:
    assert [field for field in SET_OF_QUEUES if not readers().get(("q", field))] == []


def test_every_field_of_the_page_is_written_by_somebody() -> None:
    assert [(of, field) for field, of, by in documented("Written by") if not by] == []


def test_a_field_stands_once_for_each_kind() -> None:
    rows = [(kind, field) for field, of, _ in documented("Written by") for kind in of]

    assert sorted(rows) == sorted(set(rows))


@pytest.mark.parametrize("column", ["Written by", "Read by"])
def test_the_python_that_the_page_names_names_the_field(column: str) -> None:
    wrong = []
    for field, of, named in documented(column):
        plain = field.partition("<")[0]
        for name in named:
            if name.endswith(".py") and (plain and f'"{plain}' not in (ROOT / name).read_text()):
                wrong.append((of, field, name))

    assert wrong == []


def test_entries_of_streams_have_the_fields_of_the_page() -> None:
    found = set()
    for command in commands():
        if command.name == "XADD":
            texts = [min(reading().texts(one)) for one in command.arguments]
            named = texts[texts.index(ANY) + 1 :]
            # After `MAXLEN ~ n` comes the id, which is as unknown as n is.
            named = named[1:] if len(named) % 2 else named
            found |= {(kind_of(command.key), field, command.by) for field in named[0::2]}

    rows = [row for table in tables(PAGE) for row in table.rows if "Stream" in row]
    told = {
        (stream.rstrip(":"), code(row["Field"])[0], by)
        for row in rows
        for stream in code(row["Stream"])
        for by in code(row["Written by"])
        if not by.endswith(".py")
    }
    assert told == found


def users_of_keys(names: tuple[str, ...]) -> dict[str, set[str]]:
    """By row; at ANY those who do it to whatever key they are given."""
    by_row: dict[str, set[str]] = defaultdict(set)
    for command in commands():
        if command.name in names and command.key and command.by not in NOBODY:
            rows = [ANY] if kind_of(command.key) == ANY else rows_of_key(command.key)
            is_hash = any(kind_of(command.key) in kinds(table) for table in HASHES)
            assert rows or is_hash, f"no row is for {command.key}, which {command.by} uses"
            for row in rows:
                by_row[row].add(command.by)
    return by_row


def in_lua(row: dict[str, str], column: str) -> set[str]:
    return {by for by in code(row[column]) if not by.endswith(".py")}


def test_the_page_names_for_each_other_key_who_puts_something_into_it() -> None:
    found = users_of_keys(PUTS)
    found["b:<team>:<job>"].add("reseal.lua")
    found["i:<team>:<digest>"].add("remember")  # under a name that Python gives
    found["aside:<name>"].add("put_aside")

    told = {code(row["Key"])[0]: in_lua(row, "Written by") for row in KEYS}
    assert {key: (by, found[key]) for key, by in told.items() if by != found[key]} == {}


def test_the_page_names_for_each_other_key_who_looks_at_it() -> None:
    found = users_of_keys(LOOKS)
    told = {code(row["Key"])[0]: in_lua(row, "Read by") for row in KEYS}
    # Which index somebody looks at is sometimes for the caller to say.
    may = {
        key: found[ANY].union(*(by for one, by in found.items() if kind_of(one) == kind_of(key)))
        for key in told
    }

    assert {key: found[key] - by for key, by in told.items() if found[key] - by} == {}
    assert {key: by - may[key] for key, by in told.items() if by - may[key]} == {}


def test_the_page_has_all_keys_of_the_table_of_the_keyspace() -> None:
    text = f"{keyspace.__doc__}{account_keys.__doc__}"
    known = {
        re.split(r"[:<]", key)[0] for key in re.findall(r"^([a-z_]+[^ ]*(?: [^ ]+)*?)  +\w+  ", text, re.M)
    }
    in_page = {kind for table in HASHES for kind in kinds(table)} | {
        kind_of(code(row["Key"])[0]) for row in KEYS
    }

    assert known > {"j", "ledger", "events"}
    assert in_page == known
    assert [row["Key"] for row in GLOBAL if f"`{kind_of(code(row['Key'])[0])}" not in text] == []


def test_every_file_that_the_page_names_is_there() -> None:
    named = {
        name for table in tables(PAGE) for row in table.rows for cell in row.values() for name in code(cell)
    }

    assert [name for name in sorted(named) if name.endswith(".py") and not (ROOT / name).exists()] == []


async def test_what_teams_set_has_the_fields_of_the_page(redis: Redis, team: Team) -> None:
    await limits.put(call_of(redis, team), MonthlyLimits(monthly_request_limit=9, soft_limit=8))
    await signatures.rotate(call_of(redis, team), 1)
    await of_team.put(call_of(redis, team), Redaction(redact=("body.pin",)))
    given = {"webhook": {"url": "https://example.com/hook", "enabled": True}}
    await notifications.put(call_of(redis, team), Notifications.model_validate(given))

    assert set(await redis.hkeys(keyspace.team_settings(team))) == SET_BY_TEAMS  # type: ignore[misc]


async def test_what_python_writes_has_the_fields_of_the_page(redis: Redis, team: Team) -> None:
    token = await tokens.create(redis, team="one", name="test", scopes=("read",))
    await watchdog.note(redis, team.shard, crons=3, moved=1)

    told = {code(row["Key"])[0]: set(code(row["What it holds"])) for row in GLOBAL}
    of_tokens = {field for field, of, _ in documented("Written by") if of == ["token"]} - {
        "user"
    }  # an operator made it
    assert set(await redis.hkeys(account_keys.token(tokens.digest_of(token)))) == of_tokens  # type: ignore[misc]
    assert set(await redis.hkeys(account_keys.team(1))) == told["team:<team>"]  # type: ignore[misc]
    assert set(await redis.hkeys(account_keys.global_ids())) == told["ids"]  # type: ignore[misc]
    written = set(await redis.hkeys(keyspace.watchdog(team.shard)))  # type: ignore[misc]
    assert written == {field for field, of, _ in documented("Written by") if of == ["watchdog"]}
