"""What the text of each row that a search finds has, so that no others need be read."""

import math
import re
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from shared.basics import words

_NUMBER, _LITERAL = re.compile(r"[0-9.e+-]+|inf|nan"), re.compile(r"[a-z0-9 _.:@-]+")
_LETTER, _OF_PYTHON = re.compile(r"[a-z]"), "none inf nan"


class Bounds(NamedTuple):
    """Between what a number lies that stands at a place of the list of a run; None: it has no end there."""

    place: int | None = None
    """None: nothing is known."""
    least: float | None = None
    most: float | None = None


ANY = Bounds()


class Hints(NamedTuple):
    """The longest of each kind; None: nothing is known."""

    letters: str | None
    """Letters and digits in lower case, in a name or URL next to each other whatever stands between."""
    text: str | None
    """In lower case as it stands, anywhere in the JSON."""
    run: str | None = None
    """The same in the JSON of its run."""
    bounds: Bounds = ANY
    """Of a number of its run."""


NOTHING = Hints(None, None)


def of(
    phrases: Sequence[str], values: Sequence[str], of_runs: Sequence[str] = (), bounds: Bounds = ANY
) -> Hints:
    """Of phrases that are looked for in names and URLs, and of values that stand in the JSON as given."""
    return Hints(_longest(map(_letters, phrases)), _longest_of(values), _longest_of(of_runs), bounds)


def bounds(place: int, per_unit: int, values: Iterable[tuple[str, str, float]]) -> Bounds:
    """Those of a whole number that fits one of these, each a text, an operator and so many units.

    They are wider by one than need be: what is computed of a number is no longer exact.
    """
    least, most = math.inf, -math.inf
    for _, operator, units in values:
        number = units * per_unit
        least = min(least, -math.inf if "<" in operator else number - 1)
        most = max(most, math.inf if ">" in operator else number + 1)
    ends = [one if math.isfinite(one) else None for one in (least, most)]
    return ANY if ends == [None, None] else Bounds(place, *ends)


def _letters(phrase: str) -> str:
    """As `plain`; nothing of what is not all ASCII, which may be stored in another form."""
    return words.plain(phrase) if phrase.isascii() else ""


def _written(text: str) -> list[str]:
    """What of a value JSON has as it is: not so a number that is not whole, nor what Python alone calls none.

    What stands beside a star may be of a number that is written in another way (4.2e1), or of a list.
    """
    parts = text.split("*")
    if len(parts) > 1:
        parts = [part.strip(" :") for part in parts]
        parts = [part for part in parts if _LETTER.search(part) and part not in _OF_PYTHON]
    return [part for part in parts if _is_literal(part)]


def _is_literal(text: str) -> bool:
    is_number = _NUMBER.fullmatch(text) and not text.isdigit()
    return bool(_LITERAL.fullmatch(text)) and not is_number and text != "none"


def _longest_of(values: Iterable[str]) -> str | None:
    return _longest(chain.from_iterable(map(_written, values)))


def _longest(texts: Iterable[str]) -> str | None:
    return max(texts, key=len, default="") or None
