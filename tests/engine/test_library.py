"""The functions in Redis: loaded when they are missing, beside those of other releases, each call for itself."""

import re
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.actions import jobs
from shared.errors import Damaged
from shared.schemas.jobs import JobCreate
from shared.store import keyspace, ledger
from shared.store.connection import AWAY
from shared.store.keyspace import Team
from shared.store.transitions import functions
from shared.store.transitions.library import Library
from tests.calls import call_of

JOB = JobCreate(queue="mail", url="https://a.example/")
PARTS = Path("shared/store/lua/lib")
_LOCAL = re.compile(r"^ *local (?!function)([\w, ]+?)(?: = (.*))?(?: --.*)?$", re.MULTILINE)
_FUNCTION = re.compile(r"^( *)(?:local )?function [^\n]*\n.*?^\1end$", re.MULTILINE | re.DOTALL)
_RESET = re.compile(r"(?:at_begin\(function\(\)|local function begin\(.*\))\s+(.*)")
_BEGIN = re.compile(r"^local function begin\(.*?^end", re.MULTILINE | re.DOTALL)
FAILING = """
do
local function work()
    tally('1', 'job.accepted', 1000)
    touched['1:1'] = true
    change_index(P .. 'x:1:pending', 77, true)
    event('job.created', '1', 'j:77')
    move('j', '1', '1', 77, nil, 'pending')
    error('half-way')
end
register('fail', {}, work)
end
"""


async def test_what_a_call_gathered_that_failed_is_nothing_to_the_next_one(redis: Redis, team: Team) -> None:
    await jobs.create(call_of(redis, team), JOB)
    failing = Library(functions.library.body + FAILING)
    await failing.load(redis)
    with pytest.raises(Damaged, match="half-way"):
        await redis.fcall(f"{failing.name}_fail", 1, team.prefix, 0)  # type: ignore[misc, arg-type]

    await redis.fcall(f"{failing.name}_mend", 1, team.prefix, 1, "team", team.id)  # type: ignore[misc, arg-type]
    await redis.fcall(f"{failing.name}_promote", 1, team.prefix, 1, "most", 10)  # type: ignore[misc, arg-type]

    assert (await ledger.read(redis, team)).accepted == 1
    assert await redis.zrange(f"{team.prefix}x:1:pending", 0, -1) == ["1"]
    assert await redis.xlen(keyspace.events("s0")) == 1


@pytest.mark.parametrize(
    ("said", "is_damage"),
    [("MISCONF Errors writing", False), ("NOREPLICAS Not enough", False), ("WRONGTYPE Operation", True)],
)
async def test_what_the_server_refuses_is_raised_and_what_data_is_to_blame_for_is_remembered(
    redis: Redis, team: Team, said: str, is_damage: bool
) -> None:
    body = f"confined('1', 'j:1', function() error({{ err = '{said}' }}, 0) end)"
    library = Library(
        f"{functions.library.body}\ndo\nlocal function work()\n{body}\nend\nregister('meet', {{}}, work)\nend"
    )
    await library.load(redis)

    refused = False
    try:
        await redis.fcall(f"{library.name}_meet", 1, team.prefix, 0)  # type: ignore[misc, arg-type]
    except (ResponseError, *AWAY):
        refused = True

    assert refused is not is_damage
    assert bool(await redis.exists(keyspace.damaged(team.shard))) is is_damage


@pytest.mark.parametrize("part", sorted(PARTS.rglob("*.lua")), ids=lambda part: part.stem)
def test_what_a_part_keeps_between_calls_is_constant_or_begins_anew_with_each(part: Path) -> None:
    text = part.read_text()
    declared = _LOCAL.findall(_FUNCTION.sub("", text))
    functions = set(re.findall(r"function (\w+)", text))
    begun = {name for reset in _RESET.findall(text) for name in _names(reset.partition("=")[0])}
    begun |= {name for line in _BEGIN.findall(text) for name in re.findall(r"^    (\w+) = ", line, re.M)}

    empty = {name for names, value in declared if not value for name in _names(names)}
    filled = {name for names, value in declared if value for name in _names(names)}

    assert empty <= functions | begun
    assert {name for name in filled if name != name.upper()} <= {
        "keyed",
        "memory",
        "figures",
        "beginnings",
        "accounts",
        "strips",
        "backfills",
        "bulks",
        "looks",
        "planned",
        "making",
        "problems",
        "incidents",
    }
    assert not [name for name in filled if len(re.findall(rf"^ *(?:\w+, )*{name}\\b.* = ", text, re.M))]


def _names(text: str) -> list[str]:
    return re.findall(r"\w+", text)


async def test_libraries_of_two_releases_stand_side_by_side(redis: Redis, team: Team) -> None:
    other = Library(functions.library.body + "\n-- another release")

    await other.load(redis)
    await other.load(redis)
    await jobs.create(call_of(redis, team), JOB)

    assert other.name != functions.library.name
    assert await redis.fcall(f"{other.name}_read_clock", 1, team.prefix, 0)  # type: ignore[misc, arg-type]
    assert (await jobs.get(redis, team, 1)).id == 1


async def test_a_library_that_went_is_loaded_again(redis: Redis, team: Team) -> None:
    await jobs.create(call_of(redis, team), JOB)
    await redis.function_flush()  # type: ignore[misc]

    made = await jobs.create(call_of(redis, team), JOB)

    assert made.id == 2
    assert (await ledger.read(redis, team)).accepted == 2
