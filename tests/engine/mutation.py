"""What a single fault in the Lua is made of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutation:
    """`old`, found exactly once in the file below `shared/lua`, becomes `new`; `breaks` says what that does."""

    file: str
    old: str
    new: str
    breaks: str
    is_quick: bool = False
    """One of the few that a bounded run takes."""


def rows(file: str, *rows: tuple[str, str, str]) -> list[Mutation]:
    """A `breaks` that starts with `!` is quick."""
    return [
        Mutation(f"{file}.lua", old, new, breaks.lstrip("!"), breaks.startswith("!"))
        for breaks, old, new in rows
    ]
