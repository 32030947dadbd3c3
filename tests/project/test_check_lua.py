"""The check of the Lua passes what we ship and names what is wrong with a broken copy."""

import shutil
from pathlib import Path

import pytest

from scripts import check_lua
from shared.store.transitions.functions import library


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(check_lua.FOLDER, tmp_path / "lua"))


def found(folder: Path) -> list[str]:
    return [problem.replace(f"{folder}/", "") for problem in check_lua.problems(folder)]


def add(file: Path, text: str) -> int:
    """Append a line, and say which it is."""
    file.write_text(f"{file.read_text()}{text}\n")
    return len(file.read_text().splitlines())


def test_what_we_ship_is_sound() -> None:
    assert list(check_lua.problems()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("recieve(1)", "recieve is not defined"),
        ("local unused = 1", "unused is never read"),
        ("local function unused() end", "unused is never read"),
        ("for number, one in ipairs({}) do call(one) end", "number is never read"),
        ("call(function(spare) return 1 end)", "spare is never read"),
        ("leaked = 1", "leaked is set, and is no local"),
        ("function leaked() end", "leaked is set, and is no local"),
        ("call(function() local team_of = 1 call(team_of) end)", "team_of hides what lib/work/streams line 12 declares"),
        ("do local inner = 1 call(inner) end call(inner)", "inner is not defined"),
        ("call({ [unknown] = 1, known = 2 })", "unknown is not defined"),
        ("repeat local last = call() until last", ""),
        ("call(({ known = 1 }).known)", ""),
    ],
)  # fmt: skip
def test_a_wrong_name_is_found_where_it_stands(copy: Path, text: str, said: str) -> None:
    line = add(copy / "work" / "unthrottle_host.lua", text)

    assert found(copy) == ([f"work/unthrottle_host.lua:{line}: {said}"] if said else [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("move(JOB, 1, 2, 3, nil, 'pendng')", "'pendng'"),
        ("move(JOB, 1, 2, 3, 'pending', 'skipped')", "'skipped'"),  # of executions alone
        ("move(EXECUTION, 1, 2, 3, 'pending', 'skipped')", ""),
        ("move(given.kind, 1, 2, 3, 'retrying', 'skipped')", ""),
        ("call('HSET', P .. 'j:1:2', 'v', 1, 'state', 'falied')", "'falied'"),
        ("call('HSET', P .. 'j:1:2', 'state', 'failed', 'final', 'success')", ""),
        ("call({ 'v', 1, 'state', 'pendng' })", "'pendng'"),
        ("call(given.state == 'colecting')", "'colecting'"),
        ("local state = call() call(state ~= 'completed' and state)", ""),
        ("local state = call() call(state ~= 'complete' and state)", "'complete'"),
        ("local verdict = call() call(verdict ~= 'complete' and verdict)", ""),
    ],
)  # fmt: skip
def test_a_state_that_is_none_is_found(copy: Path, text: str, said: str) -> None:
    line = add(copy / "work" / "unthrottle_host.lua", text)

    wrong = [f"work/unthrottle_host.lua:{line}: {said} is no state of STATES"] if said else []
    assert found(copy) == wrong


def test_two_functions_of_one_name_are_named(copy: Path) -> None:
    shutil.copy(copy / "work" / "unthrottle_host.lua", copy / "care" / "unthrottle_host.lua")

    assert found(copy) == ["2 functions are called unthrottle_host"]


def test_a_part_sees_those_before_it_and_no_function_sees_another(copy: Path) -> None:
    early = add(copy / "lib" / "call" / "ledger.lua", "call(ring)")
    other = add(copy / "work" / "unthrottle_host.lua", "call(serve_in_turn)")

    assert found(copy) == [
        f"lib/call/ledger.lua:{early}: ring is not defined",
        f"work/unthrottle_host.lua:{other}: serve_in_turn is not defined",
    ]


def test_what_is_no_lua_and_what_no_library_has_is_named(copy: Path) -> None:
    (copy / "lib" / "work" / "spare.lua").write_text("local spare = 1\n")
    unread = found(copy)
    add(copy / "work" / "unthrottle_host.lua", "if then")

    assert unread == ["lib/work/spare.lua is no part of the library of shared/store/transitions/library.py"]
    assert found(copy) == ["work/unthrottle_host.lua is no Lua"]


@pytest.mark.skipif(not shutil.which("luacheck"), reason="luacheck is not installed")
def test_luacheck_says_what_it_is_about() -> None:
    program = shutil.which("luacheck") or ""

    assert list(check_lua.luacheck(program, library.text)) == []
    assert list(check_lua.luacheck(program, "local a = 1\nlocal a = a\nreturn a")) == [
        "luacheck: variable 'a' was previously defined on line 1  in: local a = a"
    ]
