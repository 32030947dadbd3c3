"""Check the Lua: wrong names (not defined, never read, hiding another) and states; `make check` runs it.

Where luacheck is installed (Debian's package lua-check, as in CI) it looks at the whole library too.
"""

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts import lua, lua_states
from shared.store.transitions.functions import library
from shared.store.transitions.library import PARTS

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "shared" / "store" / "lua"
READ_ELSEWHERE = ("once", "register")
"""What `shared.store.transitions.library` calls in the text that it writes around the files."""
_AT = re.compile(r"^stdin:(\d+):(\d+): ", re.M)


def problems(folder: Path = FOLDER, parts: Sequence[str] = PARTS) -> Iterator[str]:
    try:
        sources = lua.read(folder, parts)
    except lua.BadSyntax as error:
        yield str(error)
        return
    for problem in (*lua.Names(sources).problems, *lua_states.problems(sources)):
        if problem.said not in {f"{name} is never read" for name in READ_ELSEWHERE}:
            yield str(problem)
    yield from _misplaced(folder, parts)


def _misplaced(folder: Path, parts: Sequence[str]) -> Iterator[str]:
    """Files that are not loaded, and functions that hide each other."""
    functions = lua.functions(folder)
    known = {*functions, *(folder / "lib" / f"{part}.lua" for part in parts)}
    for path in sorted(set(folder.rglob("*.lua")) - known):
        yield f"{path} is no part of the library of shared/store/transitions/library.py"
    for name, count in Counter(path.stem for path in functions).items():
        if count > 1:
            yield f"{count} functions are called {name}"


def luacheck(program: str, text: str) -> Iterator[str]:
    """What luacheck says of the library, each line of it with the text that it is about."""
    options = ("--no-color", "--formatter", "plain", "--filename", "stdin", "--config", ROOT / ".luacheckrc")
    ended = subprocess.run([program, *options, "-"], input=text, capture_output=True, text=True, check=False)
    lines = text.splitlines()
    for said in filter(None, (ended.stdout + ended.stderr).splitlines()):
        place = _AT.match(said)
        about = f"  in: {lines[int(place[1]) - 1].strip()}" if place else ""
        yield f"luacheck: {_AT.sub('', said)}{about}"


def main() -> None:
    """Exit with 1 if there are problems, each on a line of its own."""
    program = shutil.which("luacheck")
    found = [*problems(), *(luacheck(program, library.text) if program else ())]
    for problem in found:
        print(problem, file=sys.stderr)
    if found:
        sys.exit(1)
    by_both = ", says luacheck too" if program else ""
    print(f"lua: {len(list(FOLDER.rglob('*.lua')))} files are sound{by_both}")


if __name__ == "__main__":
    main()
