"""What people type to find rows: `status:failed host:a.example,b.example -url:test attempt>1 "order paid"`.

Words, and phrases in quotes, are looked for in a row's texts by their letters and digits, `key:value` in what
the key means there. Of several parts all are wanted, of values with commas one; `-` turns a part round, `<`
and `>` compare, quotes keep spaces and commas.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fnmatch import translate
from operator import eq, ge, gt, le, lt
from typing import Any, Generic, NamedTuple, TypeVar

from shared.basics import hints, words
from shared.basics.hints import Bounds, Hints
from shared.basics.memory import MEBIBYTE, remembered

T = TypeVar("T")
Matches = Callable[[Any, "Value"], bool]

MOST_PARTS = 20
RUN = "run"
"""What a key needs of a row that is read of its run."""
_PART = re.compile(r'(?:"[^"]*"|[^\s"])+')
_KEYED = re.compile(r"([A-Za-z_][A-Za-z0-9_.]*)(:?[<>]=?|:)(.*)", re.DOTALL)
_VALUE = re.compile(r'(?:"[^"]*"|[^,"])+')
_ADDRESS = re.compile(r"[a-z]+://|(?:localhost|[a-z0-9-]+\.[a-z0-9.-]+):[0-9]+(?:/|$)", re.IGNORECASE)
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_COMPARED = {"": eq, "<": lt, "<=": le, ">": gt, ">=": ge}
_UNIT = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Wrong(ValueError):
    """A sentence that says what of the search cannot be understood, and what can."""


class Value(NamedTuple):
    """What a row's own is compared with: as text, or as the number that it stands for."""

    text: str
    operator: str = ""
    number: float = 0.0


class Term(NamedTuple):
    """A part of a search; a `key` that is empty stands for words."""

    key: str
    values: Sequence[Value]
    is_not: bool = False


@dataclass(frozen=True, slots=True)
class Key(Generic[T]):
    """What a key means: how a row's own is read, and how it is compared."""

    read: Callable[[T], Any]
    meant: Callable[[str, str, datetime], Value]
    """The value of a text, an operator and now; raises Wrong with what follows "The key … must"."""
    matches: Matches
    needs: str = ""
    """What of a row must be read for it beyond the usual."""
    choices: Collection[str] = ()
    written: Callable[[Value], str] | None = None
    """What of a value stands in the row's text (JSON), or in that of its run, as it is, in some case."""
    bounds: Callable[[Sequence[Value]], Bounds] = lambda _values: hints.ANY
    """Of a number in the run of each row that has one of the values."""


@dataclass(frozen=True, slots=True)
class Search(Generic[T]):
    """A search that was understood."""

    terms: Sequence[Term]
    keys: Mapping[str, Key[T]]
    texts: Callable[[T], Sequence[str]]

    def finds(self, row: T) -> bool:
        return all(self._fits(row, term) != term.is_not for term in self.terms)

    @property
    def is_of_all(self) -> bool:
        """Whether nothing is looked for: no part, or only words that are empty, as of a lost variable."""
        return all(not term.key and not term.is_not and not term.values[0].text for term in self.terms)

    def needs(self, part: str, *, of_each: bool = False) -> bool:
        """Whether it reads something of that part; `of_each`: whether each row that it finds has it."""
        keyed = (term for term in self.terms if term.key and not (of_each and term.is_not))
        return any(self.keys[_of(term.key, self.keys)].needs == part for term in keyed)

    def only(self, key: str) -> frozenset[str] | None:
        """The values of which a row must have one, where the search says so."""
        terms = [term for term in self.terms if term.key == key and not term.is_not]
        wanted = [frozenset(value.text for value in term.values) for term in terms]
        return frozenset.intersection(*wanted) if wanted else None

    def needs_only(self, part: str) -> bool:
        """Whether nothing else of a row must be read for it."""
        return all(term.key and self.keys[_of(term.key, self.keys)].needs == part for term in self.terms)

    def hints(self, words_too: str = "", of_run: Sequence[str] = ()) -> Hints:
        """What the texts of each row have that it finds, with words and texts of its run that are wanted."""
        phrases, texts, runs, bounds = words_too.split(), list[str](), list(of_run), hints.ANY
        for term in self.terms:
            if term.is_not:
                continue
            if not term.key:
                phrases.append(term.values[0].text)
                continue
            key = self.keys[_of(term.key, self.keys)]
            if key.written and len(term.values) == 1:
                (runs if key.needs == RUN else texts).append(key.written(term.values[0]))
            bounds = key.bounds(term.values) if bounds == hints.ANY else bounds
        return hints.of(phrases, texts, runs, bounds)

    def _fits(self, row: T, term: Term) -> bool:
        if not term.key:
            return any(_is_in(term.values[0].text, text) for text in self.texts(row))
        name = _of(term.key, self.keys)
        its = self.keys[name].read(row)
        if name.endswith("."):
            its = _at(its, term.key.removeprefix(name).split("."))
        return its is not None and any(self.keys[name].matches(its, value) for value in term.values)


def understood(
    text: str, keys: Mapping[str, Key[T]], texts: Callable[[T], Sequence[str]], now: datetime
) -> Search[T]:
    """The search of that text; raises Wrong. A key that ends with a dot stands for all paths below it."""
    parts = _PART.findall(text)
    if len(parts) > MOST_PARTS:
        raise Wrong(f"must have at most {MOST_PARTS} parts")
    if text.count('"') % 2:
        raise Wrong('has a " that nothing closes')
    return Search([_term(part, keys, now) for part in parts], keys, texts)


def _term(part: str, keys: Mapping[str, Key[Any]], now: datetime) -> Term:
    is_not = part.startswith("-") and len(part) > 1
    part = part[1:] if is_not else part
    keyed = None if part.startswith('"') else _KEYED.fullmatch(part)
    of = _of(keyed[1], keys) if keyed else ""
    if keyed is None or (of not in keys and _ADDRESS.match(part)):
        return Term("", [Value(_unquoted(part))], is_not)
    name, sign, rest = keyed.groups()
    if of not in keys:
        near = words.nearest(name, keys)
        known = f"did you mean {near}?" if near else f"there are {', '.join(keys)}"
        raise Wrong(f"has no key {name[:60]}: {known} Text with a colon goes into quotes")
    values = [_unquoted(value) for value in _VALUE.findall(rest)]
    if not values:
        raise Wrong(f"has nothing after {name}{sign}")
    try:
        return Term(name, [_checked(keys[of], value, sign.strip(":"), now) for value in values], is_not)
    except Wrong as error:
        raise Wrong(f"has the key {name}, which must {error}") from None


def _checked(key: Key[Any], text: str, operator: str, now: datetime) -> Value:
    value = key.meant(text, operator, now)
    if key.choices and value.text not in key.choices:
        near = words.nearest(value.text, key.choices)
        said = f"{near}?" if near else ", ".join(sorted(key.choices))
        raise Wrong(f"be one of those that there are, which {text[:60]} is not: {said}")
    return value


def _is_in(phrase: str, text: str) -> bool:
    """By letters and digits; what has none must be there as it is."""
    word = words.plain(phrase)
    return word in words.plain(text) if word else phrase in text


def _of(name: str, keys: Mapping[str, Key[Any]]) -> str:
    """The key itself, or the one for all paths below it."""
    before, dot, _ = name.partition(".")
    return name if name in keys else before + dot


def _at(value: Any, path: Sequence[str]) -> Any:
    for step in path:
        if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def _unquoted(text: str) -> str:
    return text.replace('"', "")


# Kinds of keys


def _text(text: str, operator: str, _now: datetime) -> Value:
    if operator:
        raise Wrong("be compared with a colon, for it is no number")
    return Value(text.casefold())


def _number(text: str, operator: str, _now: datetime) -> Value:
    try:
        return Value(text, operator, float(text))
    except ValueError:
        raise Wrong("be a number") from None


def _seconds(text: str, operator: str, _now: datetime) -> Value:
    found = _SPAN.fullmatch(text.lower())
    if not found:
        raise Wrong("be a time as 500ms, 2s, 10m, 3h or 7d")
    return Value(text, operator, float(found[1]) * _UNIT[found[2]])


def _moment(text: str, operator: str, now: datetime) -> Value:
    if _SPAN.fullmatch(text.lower()):
        return Value(text, operator, (now - timedelta(seconds=_seconds(text, "", now).number)).timestamp())
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Wrong("be a time ago as 2h or 7d, or a moment as 2026-11-28T09:00:00Z") from None
    return Value(text, operator, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _is_like(its: Any, value: Value) -> bool:
    text = ("true" if its else "false") if isinstance(its, bool) else str(its).casefold()
    if "*" not in value.text:
        return text == value.text
    return _pattern(value.text).match(text) is not None


@remembered(MEBIBYTE, per_byte=100)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(translate(text.replace("[", "[[]").replace("?", "[?]")))


def _has_part(its: str, value: Value) -> bool:
    return _is_like(its, value) if "*" in value.text else words.contains(value.text, its)


def _has(its: Any, value: Value) -> bool:
    return any(_is_like(one, value) for one in its)


def _compares(its: Any, value: Value) -> bool:
    return bool(_COMPARED[value.operator](its, value.number))


def word(
    read: Callable[[T], Any], *, needs: str = "", choices: Collection[str] = (), is_written: bool = False
) -> Key[T]:
    """A text that is given whole, in any case; a star stands for any part of it."""
    return Key(read, _text, _is_like, needs, choices, (lambda value: value.text) if is_written else None)


def several(
    read: Callable[[T], Collection[str]], *, needs: str = "", choices: Collection[str] = ()
) -> Key[T]:
    """Several such texts, of which one is enough."""
    return Key(read, _text, _has, needs, choices)


def labels(read: Callable[[T], Mapping[str, str]]) -> Key[T]:
    """Labels, each by its key alone or as `key=value`."""
    key: Key[T] = several(lambda row: [*read(row), *map("=".join, read(row).items())])
    return replace(key, written=lambda value: value.text.rpartition("=")[2])


def part(read: Callable[[T], str]) -> Key[T]:
    """A text of which a part is given, by its letters and digits; or the whole, with a star for any text."""
    return Key(read, _text, _has_part)


def number(read: Callable[[T], float | None], *, needs: str = "", is_written: bool = False) -> Key[T]:
    return Key(read, _number, _compares, needs, written=_digits if is_written else None)


def _digits(value: Value) -> str:
    return f"{value.number:.0f}" if not value.operator and value.number.is_integer() else ""


def seconds(read: Callable[[T], float | None], *, needs: str = "") -> Key[T]:
    return Key(read, _seconds, _compares, needs)


def since(read: Callable[[T], datetime | None], *, needs: str = "") -> Key[T]:
    """Not before that moment."""
    return Key(read, _moment, lambda its, value: its.timestamp() >= value.number, needs)


def until(read: Callable[[T], datetime | None], *, needs: str = "") -> Key[T]:
    """Before that moment."""
    return Key(read, _moment, lambda its, value: its.timestamp() < value.number, needs)
