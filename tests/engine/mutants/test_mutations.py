"""Each mutant names a place and a pattern that is there once, and says so however the files are laid out."""

from pathlib import Path

import pytest

from scripts import lua
from tests.engine.mutants.mutation import Mutation, Places, tokens
from tests.engine.mutants.mutations import MUTATIONS
from tests.engine.mutants.reach import Reach, judges_of, watch

LUA = Path(__file__).parents[3] / "shared" / "store" / "lua"
PART = """\
local most = 5 -- of all

local share

do
    local function room(queue)
        -- at most
        return math.min(most, queue.room)
    end

    function share(queue)
        local function each() return 'a  b' end
        return room(queue) == 0 and each() or room(queue)
    end
end
"""
TRANSITION = """\
#!lua
-- Take what there is room for.

local function take(queue)
    if queue.is_paused then
        return 0
    end
    return share(queue)
end

return take(given.queue) or 0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "rooms.lua").write_text(PART)
    (tmp_path / "take.lua").write_text(TRANSITION)
    return tmp_path


def made(folder: Path, place: str, pattern: str, new: str = "x") -> list[tuple[str, str]]:
    texts = Places(folder).texts_of(Mutation(place, pattern, new, "it"))
    return [(path.relative_to(folder).as_posix(), text) for path, text in texts]


def test_what_a_mutation_changes_is_there_once() -> None:
    places = Places(LUA)

    assert [one for one in MUTATIONS if len(places.texts_of(one)) != 1] == []
    assert [one for one in MUTATIONS if _words(one.pattern) == _words(one.new)] == []


def _words(text: str) -> list[str]:
    return [one.text for one in tokens(text)]


def test_every_mutation_breaks_something_of_its_own() -> None:
    assert len({(one.place, one.pattern, one.new) for one in MUTATIONS}) == len(MUTATIONS)
    assert len({(one.place, one.breaks) for one in MUTATIONS}) == len(MUTATIONS)


@pytest.mark.parametrize(
    ("place", "pattern", "before", "after"),
    [
        ("room", "math.min(most, queue.room)", "math.min(most, queue.room)", "x"),
        ("most", "= 5", "most = 5", "most x"),
        ("each", "'a  b'", "'a  b'", "x"),
        ("take.take", "0 end return share(queue)", "0\n    end\n    return share(queue)", "x"),
        ("take", "return take(given.queue) or 0", "return take(given.queue) or 0", "x"),
    ],
)
def test_only_the_pattern_of_the_place_becomes_something_else(
    folder: Path, place: str, pattern: str, before: str, after: str
) -> None:
    ((file, text),) = made(folder, place, pattern)

    assert text == (folder / file).read_text().replace(before, after)


@pytest.mark.parametrize(
    ("place", "pattern"),
    [
        ("share", "math.min(most, queue.room)"),  # of another function
        ("room", "math . minimum"),  # not the whole word
        ("room", "at most"),  # of a comment
        ("each", "'a b'"),  # another text
        ("take", "math.min(most, queue.room)"),  # of another file
        ("gone", "return"),
    ],
)
def test_what_is_elsewhere_is_not_found(folder: Path, place: str, pattern: str) -> None:
    assert made(folder, place, pattern) == []


def test_what_is_there_twice_is_found_twice(folder: Path) -> None:
    assert len(made(folder, "share", "room(queue)")) == 2


def test_a_file_may_move_and_be_broken_into_other_lines(folder: Path) -> None:
    ((_, before),) = made(folder, "take.take", "if queue.is_paused then return 0 end", "")

    (folder / "work").mkdir()
    (folder / "take.lua").rename(folder / "work" / "take.lua")
    moved = folder / "work" / "take.lua"
    moved.write_text(TRANSITION.replace("then\n        return 0\n    end", "then return 0 -- at once\nend"))

    ((file, after),) = made(folder, "take.take", "if queue.is_paused then return 0 end", "")
    assert file == "work/take.lua"
    assert _words(after) == _words(before)


def test_each_function_that_is_watched_says_its_name_first(folder: Path) -> None:
    watch(folder)

    part, transition = (folder / "lib" / "rooms.lua").read_text(), (folder / "take.lua").read_text()
    assert [one.split("'")[1] for one in (part + transition).split("redis.log")[1:]] == [
        "reached room", "reached share", "reached each", "reached take", "reached take.take",
    ]  # fmt: skip
    assert transition.startswith("#!lua\n if not SEEN['take'] then SEEN['take'] = true redis.log(")
    assert lua.parse("take", folder / "take.lua").root.has_error is False


@pytest.mark.parametrize(
    ("place", "functions"),
    [
        ("room", {"room"}),
        ("take.take", {"take.take"}),
        ("most", {"room"}),
        ("half", {"room"}),  # another constant is made of it
        ("take.none", {"take"}),
    ],
)
def test_a_constant_is_run_by_what_reads_it(folder: Path, place: str, functions: set[str]) -> None:
    part, transition = folder / "lib" / "rooms.lua", folder / "take.lua"
    part.write_text("local half = 2\n" + PART.replace("= 5", "= 2 * half"))
    transition.write_text(TRANSITION.replace("or 0", "or none").replace("\n\n", "\n\nlocal none = 0\n", 1))

    assert Places(folder).functions_of(place) == functions


def test_tests_come_by_how_little_they_do_beside_the_place() -> None:
    known = {
        "long": Reach(9.0, {"room", "share"}),
        "broad": Reach(1.0, {"room", "share", "take", "each"}),
        "short": Reach(1.0, {"room", "share"}),
        "elsewhere": Reach(0.1, {"take"}),
    }

    assert judges_of(known, {"room", "each"}) == ["short", "broad", "long"]
