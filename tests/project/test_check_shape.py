"""The check of the shape finds each thing once, lets what was there be, and lets nothing grow."""

from collections import Counter
from pathlib import Path

import pytest

from scripts import check_shape
from scripts.check_shape import Counts, allowed, counts, lowered, problems

LISTED = "# the list\na.py: kind: 2\nb.lua: ARGV: 1\n"


def write(root: Path, name: str, text: str) -> None:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_what_we_ship_has_not_grown() -> None:
    listed = allowed(check_shape.OFFENDERS.read_text())

    assert list(problems(counts(check_shape.ROOT), listed)) == []


@pytest.mark.parametrize(
    ("name", "text", "rules"),
    [
        ("a.py", "def long():\n" + "    x = 1\n" * 40, {"function": 1}),
        ("a.py", "async def fits():\n" + "    x = 1\n" * 39, {}),
        ("a.py", "x = 1\n" * 301, {"file": 301}),
        ("a.py", "x = 1\n" * 300, {}),
        ("a.py", "f(1, 2, 3, 4, 5, 6, 7)", {"arguments": 1}),
        ("a.py", "f(1, 2, 3, 4, 5, 6, named=7)", {}),
        ("a.py", "x = fields[3], fields['name'], rows[3]", {"fields": 1}),
        ("a.py", "x = kind == 'j' or kind == 'job'", {"kind": 1}),
        ("a.lua", "local function long()\n" + "x = 1\n" * 39 + "end", {"function": 1}),
        ("a.lua", "local long = function()\n" + "x = 1\n" * 39 + "end", {"function": 1}),
        ("a.lua", "local function fits()\n" + "x = 1\n" * 38 + "end", {}),
        ("a.lua", "x = 1\n" * 121, {"file": 121}),
        ("a.lua", "f(1, 2, 3, 4, 5, 6, 7) call(1, 2, 3, 4, 5, 6, 7) redis.pcall(1, 2, 3, 4, 5, 6, 7)", {"arguments": 1}),
        ("a.lua", "x = ARGV[3] .. ARGV[4] .. ARGV[i] .. ARGV[20]", {"ARGV": 2}),
        ("a.lua", "x = fields[1] .. rows[1] .. fields[i] .. fields.name", {"fields": 1}),
        ("a.lua", "local a, b = 1, call('HMGET', key, 'state') x = a[1] .. b[1]", {"fields": 1}),
        ("a.lua", "x = f('j') .. f('job') .. 'w' y = { e = 1, event = 2 }", {"kind": 2}),
    ],
)  # fmt: skip
def test_each_rule_finds_what_it_is_for(tmp_path: Path, name: str, text: str, rules: dict[str, int]) -> None:
    write(tmp_path, f"services/{name}", text)

    assert counts(tmp_path) == Counter({(f"services/{name}", rule): many for rule, many in rules.items()})


def test_a_folder_holds_twenty_files_of_either_language(tmp_path: Path) -> None:
    for number in range(10):
        write(tmp_path, f"shared/room/{number}.py", "")
        write(tmp_path, f"shared/room/{number}.lua", "")
        write(tmp_path, f"shared/room/below/{number}.py", "")
    fits = counts(tmp_path)
    write(tmp_path, "shared/room/more.lua", "")

    assert fits == Counter()
    assert counts(tmp_path) == Counter({("shared/room", "folder"): 21})


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({("a.py", "kind"): 2, ("b.lua", "ARGV"): 1}, []),
        ({("a.py", "kind"): 3, ("b.lua", "ARGV"): 1}, ["a.py: 3 kinds of one letter; no more than 2 may be there"]),
        (
            {("a.py", "kind"): 2, ("b.lua", "ARGV"): 1, ("new.py", "folder"): 21},
            ["new.py: 21 code files of a folder that has more than 20; no more than 0 may be there"],
        ),
        (
            {("a.py", "kind"): 2},
            [
                "b.lua: 0 ARGV[n] with n > 3: arguments that have no name; shape_offenders.txt still says 1: "
                "run python -m scripts.check_shape --lower"
            ],
        ),
    ],
)  # fmt: skip
def test_a_count_is_the_one_of_the_list(found: dict[tuple[str, str], int], said: list[str]) -> None:
    assert list(problems(Counter(found), allowed(LISTED))) == said


def test_the_list_is_lowered_and_never_raised() -> None:
    found: Counts = Counter({("a.py", "kind"): 1, ("new.py", "kind"): 5, ("b.lua", "ARGV"): 7})

    assert lowered(found, LISTED) == "# the list\na.py: kind: 1\nb.lua: ARGV: 1\n"
    assert lowered(Counter(), LISTED) == "# the list\n"
