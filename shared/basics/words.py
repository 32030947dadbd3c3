"""Compare words as people mean them: only letters and digits count, and near misses find the known name."""

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import takewhile

NEAR, LIKE = 0.65, 0.8
"""How similar a name must be to be suggested, and how similar one counts that shares whole words."""
_LONGEST, _SHORTEST = 80, 3
_MARKS = re.compile(r"[\W_]+")
_LOWER = bytes(range(256)).lower()
_NEITHER = bytes(code for code in range(128) if not chr(code).isalnum())
"""What `plain` makes of the characters of ASCII, and which it leaves out: most texts have no others."""
_PARTS = re.compile(r"[a-z]+|[0-9]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SAME = {
    "cron_expression": ("schedule", "interval", "every", "frequency"),
    "payload": ("body", "data", "json", "content"),
    "is_active": ("enabled", "disabled", "paused", "pause"),
    "filter": ("status", "state"),
    "search": ("query", "q", "text"),
    "url": ("endpoint", "target", "uri", "address", "href"),
    "method": ("verb",),
    "timezone": ("tz", "zone"),
    "callback_url": ("webhook",),
    "name": ("title", "label"),
}
"""Our fields by the names that other schedulers use."""


def plain(text: str) -> str:
    """Letters and digits only, without case and accents."""
    if text.isascii():
        return text.encode().translate(_LOWER, _NEITHER).decode()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return _MARKS.sub("", decomposed)


def contains(text: str, *places: str) -> bool:
    """Whether each word of `text` is in one of `places`; a text of punctuation must be there as it is."""
    words = [word for part in text.split() if (word := plain(part))]
    if not words:
        return any(text in place for place in places)
    found = [plain(place) for place in places]
    return all(any(word in place for place in found) for word in words)


def nearest(given: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, if there is a likely one."""
    word = given[:_LONGEST]
    score, name = max(((_likeness(word, name), name) for name in known), default=(0.0, ""))
    return name if score >= NEAR else None


def is_slip(given: str, name: str) -> bool:
    """Whether two names differ by one letter, by two that changed places, or by case and punctuation.

    Digits number what is meant to be another: shard-1 is no slip for shard-2. Nor is a short name one.
    """
    mine, its = plain(given), plain(name)
    if given == name or min(len(mine), len(its)) < _SHORTEST:
        return False
    mine, its = _without_start(mine, its)
    mine, its = (one[::-1] for one in _without_start(mine[::-1], its[::-1]))
    if not mine + its:
        return True
    is_one = max(len(mine), len(its)) == 1 or (len(mine) == 2 and mine == its[::-1])
    return is_one and (mine + its).isalpha()


def _without_start(one: str, other: str) -> tuple[str, str]:
    """Both from where they differ on."""
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    return one[same:], other[same:]


def _likeness(given: str, name: str) -> float:
    if plain(given) in _SAME.get(name, ()):
        return 1.0
    mine, its = _parts(given), _parts(name)
    likeness = SequenceMatcher(None, plain(given), plain(name)).ratio()
    return max(LIKE, likeness) if mine and its and (mine <= its or its <= mine) else likeness


def _parts(name: str) -> set[str]:
    return set(_PARTS.findall(_CAMEL.sub("_", name).lower()))
