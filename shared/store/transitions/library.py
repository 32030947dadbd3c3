"""The text of the library that Redis gets of `shared/store/lua`: its parts in order, then its functions."""

import hashlib
import re
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ResponseError

from shared.store.connection import AnswerLost

_LUA = files("shared.store").joinpath("lua")
PARTS = (
    "call/begin",
    "call/kinds",
    "call/states",
    "call/ledger",
    "call/types",
    "call/mending",
    "call/damage",
    "call/ids",
    "call/changes",
    "records/team",
    "work/streams",
    "work/due",
    "work/rates",
    "work/keyed",
    "work/keycare",
    "work/lines",
    "work/turns",
    "records/replays",
    "records/bulks",
    "records/records",
    "records/figures",
    "records/packed",
    "problems/problems",
    "problems/states",
    "problems/rows",
    "problems/arrivals",
    "records/moves",
    "records/removal",
    "crons/strips",
    "crons/executions",
    "crons/backfills",
    "crons/look_back",
    "crons/planned",
    "records/outbox",
    "crons/pauses",
    "records/alerts",
    "problems/incidents",
    "crons/alerting",
    "work/recoveries",
    "records/usage",
    "records/memory",
    "work/notices",
    "work/chains",
    "crons/outcomes",
    "work/verdicts",
    "work/returns",
    "crons/zones",
    "crons/pings",
    "crons/fires",
    "work/promote",
    "records/jobs",
    "work/starting",
    "work/serving",
    "work/throttles",
    "call/conclude",
    "records/queues",
    "records/rows",
    "records/looks",
    "records/runs",
    "call/trail",
    "records/accounts",
    "call/once",
    "records/making",
)
"""Of the library, below `lib`, in this order: one may name what stands in those before it."""
_FIRST_LINE = re.compile(r"#!lua(?: flags=([\w,-]+))?( repeatable)?\n")
_FUNCTION = "do\nlocal function work()\n{body}\nend\nregister('{name}', {{ {flags} }}, {work})\nend"
"""A function of Lua has 200 locals at most, and those of the library are many."""
_LIBRARY = "#!lua name={name}\nlocal LIBRARY, define = '{name}', redis.register_function\n"
_SCRIPT = """#!lua{flags}
local LIBRARY, given_keys, given_arguments, chosen = '', KEYS, ARGV, nil
local function define(one)
    if one.function_name == '_{name}' then chosen = one.callback end
end
"""
_CALL = "\nreturn chosen(given_keys, given_arguments)"
NAMED = "recuro_"
"""So the names of all releases' libraries begin."""


class File(NamedTuple):
    """One function as its file has it; `repeatable`: its calls may carry an idempotency key."""

    name: str
    flags: str
    is_repeatable: bool
    body: str


def _found() -> dict[str, Traversable]:
    """The files of all functions, in whatever room they stand, by the functions' names."""
    rooms = (room for room in _LUA.iterdir() if room.is_dir() and room.name != "lib")
    return {
        file.name.removesuffix(".lua"): file
        for room in rooms
        for file in room.iterdir()
        if file.name.endswith(".lua")
    }


_FILES = _found()


def file_of(name: str) -> File:
    first, _, body = _FILES[name].read_text().partition("\n")
    found = _FIRST_LINE.fullmatch(f"{first}\n")
    if found is None:
        raise ValueError(f"{name}.lua: the first line says `{first}`, and no flags")
    return File(name, found[1] or "", bool(found[2]), body)


def _defined(file: File) -> str:
    # Without flags Redis refuses the whole call, not half of it, when it is out of memory.
    flags = ", ".join(f"'{flag}'" for flag in file.flags.split(",") if flag)
    work = "function() return once(work) end" if file.is_repeatable else "work"
    return _FUNCTION.format(body=file.body, name=file.name, flags=flags, work=work)


def whole() -> str:
    """All of it, as it is shipped."""
    parts = (_LUA.joinpath("lib", *f"{part}.lua".split("/")).read_text() for part in PARTS)
    return "\n".join((*parts, *(_defined(file_of(name)) for name in sorted(_FILES))))


class Library:
    """Functions for Redis, named by the digest of their text: releases stand side by side."""

    def __init__(self, body: str) -> None:
        self.body = body

    @cached_property
    def name(self) -> str:
        return NAMED + hashlib.sha256(self.body.encode()).hexdigest()[:16]

    @property
    def text(self) -> str:
        return _LIBRARY.format(name=self.name) + self.body

    def script(self, function: str, flags: str) -> str:
        """A script that does what one of the functions does."""
        said = f" flags={flags}" if flags else ""
        return _SCRIPT.format(name=function, flags=said) + self.body + _CALL

    async def load(self, redis: Redis) -> None:
        """Make it known to Redis, if it is not yet; raises errors of AWAY."""
        try:
            await redis.function_load(self.text)  # type: ignore[misc]
        except AnswerLost as error:  # nothing of a caller's was done
            raise RedisConnectionError(str(error)) from error
        except ResponseError as error:
            if "already exists" not in str(error):
                raise
