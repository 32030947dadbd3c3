"""Patterns and JSON paths with which callers look into a response body."""

import re
from typing import Any

import re2

NEW_BYTES = 2 << 20
"""Memory that a compiled pattern may take to be accepted: some 30,000 steps, compiled in 12 ms."""
RUN_BYTES = 8 << 20
"""Memory that a pattern and its search may take where it runs; patterns stored earlier may need so much."""

_STEP = re.compile(r"""\.([^.\[\]'"\s]+)|\[(\d{1,9})\]|\['([^']*)'\]|\["([^"]*)"\]""")
_TOO_LARGE = "pattern too large"


def compiled(text: str, most_bytes: int) -> Any:
    """The pattern compiled by RE2; raises ValueError with the reason."""
    options = re2.Options()
    options.max_mem, options.log_errors = most_bytes, False
    try:
        return re2.compile(text, options=options)
    except re2.error as error:
        said = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else error.args[0]
    finally:
        re2.purge()  # its cache would keep the last 128, whatever memory they take
    if said.startswith(_TOO_LARGE):
        raise ValueError(
            r"must be a smaller pattern: repeats such as \pL{100} are written out, let it repeat less"
        )
    raise ValueError(f"must be a pattern that RE2 takes ({said})")


def steps(path: str) -> list[str | int]:
    """The names and numbers of a path such as `$.items[0]['a key']`; raises ValueError if it is no path."""
    found: list[str | int] = []
    at = 1
    while path.startswith("$") and (step := _STEP.match(path, at)):
        name = next((name for name in (step[1], step[3], step[4]) if name is not None), None)
        found.append(int(step[2]) if name is None else name)
        at = step.end()
    if not path.startswith("$") or at != len(path):
        raise ValueError("must be a path such as $.items[0].name, of names and numbers only")
    return found
