"""Each mutant quotes text of the Lua that is there, and there once."""

from pathlib import Path

from tests.engine.mutations import MUTATIONS

LUA = Path(__file__).parents[2] / "shared" / "lua"


def test_what_a_mutation_replaces_is_there_once() -> None:
    texts = {path.relative_to(LUA).as_posix(): path.read_text() for path in LUA.rglob("*.lua")}

    assert [one for one in MUTATIONS if texts[one.file].count(one.old) != 1] == []
    assert [one for one in MUTATIONS if one.old == one.new] == []
