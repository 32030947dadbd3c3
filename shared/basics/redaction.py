"""What is not kept of requests and answers: fields that rules name, as `headers.X-Session`, `body.**.pin`."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic_core import from_json

from shared.basics.memory import MEBIBYTE, remembered

REDACTED = "[redacted]"
"""Stands where a value was."""
NOT_JSON = "[redacted: not JSON]"
"""Stands for a body in which the fields of rules cannot be found."""
MOST_STEPS = 10

_HEADER = re.compile(r"headers\.([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128})\Z")
_STEP = re.compile(r"[^.\x00-\x1f\x7f]{1,128}\Z")
_READ_BY_US = frozenset(("content-type", "idempotency-key", "traceparent", "user-agent"))
"""Headers that say what a request is: Recuro reads or shows them."""
_ANY, _DEEP = "*", "**"

_Path = tuple[str, ...]
_Paths = frozenset[_Path]
"""What is left of each rule that may still name something from here on."""


def check(rule: str) -> str:
    """The rule as it is; raises ValueError if it is none."""
    if rule.startswith("headers."):
        header = _HEADER.match(rule)
        if not header:
            raise ValueError(f"must name a header as headers.X-Session, not as {rule[:60]!r}")
        if header[1].lower() in _READ_BY_US:
            raise ValueError(f"must not name {header[1]}, by which Recuro knows what a request is")
        return rule
    name, *steps = rule.split(".")
    if name != "body" or not all(map(_STEP.match, steps)):
        raise ValueError(f"must hold rules as headers.X-Session, body.card.number or body, not {rule[:60]!r}")
    if len(steps) > MOST_STEPS or steps.count(_DEEP) > 1:
        raise ValueError(f"must hold paths of at most {MOST_STEPS} steps, of which one may be **")
    return rule


class Parsed(NamedTuple):
    """What a text is as JSON."""

    value: Any
    is_whole: bool = True
    """Else it was cut short, and only its beginning is there."""


class Rules(NamedTuple):
    """Rules of a request's owner, ready to be applied; falsy if there are none."""

    headers: frozenset[str] = frozenset()
    """Names in lower case."""
    paths: _Paths = frozenset()

    def __bool__(self) -> bool:
        return bool(self.headers or self.paths)

    def has(self, header: str) -> bool:
        return header.lower() in self.headers

    def applied(self, value: Any, found: list[str]) -> Any:
        """JSON without what the rules name, the same one if that is nothing; `found` gets what they name."""
        if not self.paths:
            return value
        walk = _Walk({step for path in self.paths for step in path}, found)
        return walk.kept(value, _spread(self.paths))

    def text(self, text: str, found: list[str], *, is_cut: bool = False) -> str:
        """A body without it: the same text if that is nothing, `NOT_JSON` if it cannot be read as JSON."""
        if not self.paths or not text:
            return text
        parsed = read(text, is_cut=is_cut)
        if parsed is None:
            found.append(text)
            return NOT_JSON
        kept = self.applied(parsed.value, found)
        return text if kept is parsed.value and parsed.is_whole else written(kept)


NONE = Rules()


@remembered(2 * MEBIBYTE, per_byte=6)
def rules_of(texts: tuple[str, ...]) -> Rules:
    """Those of the texts; what is no rule, as of a newer version, names nothing."""
    headers = frozenset(text[len("headers.") :].lower() for text in texts if text.startswith("headers."))
    bodies = (text.split(".") for text in texts if text.partition(".")[0] == "body")
    return Rules(headers, frozenset(tuple(map(_name, steps)) for _, *steps in bodies))


def read(text: str, *, is_cut: bool = False) -> Parsed | None:
    """The text as JSON. Of one that was cut short its beginning; nothing of what can be read in two ways."""
    try:
        from_json(text)  # which, other than the next, takes nothing that is too deep to be walked through
        return Parsed(json.loads(text, object_pairs_hook=_only))
    except ValueError:
        pass
    if not is_cut or text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return Parsed(from_json(text, allow_partial="trailing-strings"), is_whole=False)
    except ValueError:
        return None


def written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def mapped(value: Any, change: Callable[[str], str]) -> Any:
    """JSON with each text in it changed, and the names of fields; the same one if none is."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        fields = {change(name): mapped(item, change) for name, item in value.items()}
        same = all(new is item for new, item in zip(fields.values(), value.values(), strict=False))
        return value if same and list(fields) == list(value) else fields
    if isinstance(value, list):
        items = [mapped(item, change) for item in value]
        return value if all(new is item for new, item in zip(items, value, strict=True)) else items
    return value if isinstance(value, bool | None) else _changed_number(value, change)


def _changed_number(value: int | float, change: Callable[[str], str]) -> int | float | str:
    text = json.dumps(value)
    new = change(text)
    return value if new == text else new


def leaves(value: Any) -> Iterator[str]:
    """The texts and numbers in it, as texts."""
    if isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, str):
        yield value
    elif not isinstance(value, bool | None):
        yield json.dumps(value)


def _only(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object; who reads one with two fields of a name may take either, and so may hide one from us."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("it has two fields of one name")
    return found


def _name(step: str) -> str:
    return step.casefold()


def _spread(paths: _Paths) -> _Paths:
    """With what a `**` at their beginning also stands for: nothing."""
    return paths | {path[1:] for path in paths if path[:1] == (_DEEP,)}


class _Walk:
    """One look through a value; where a step leads is worked out once for each name that the rules know."""

    __slots__ = ("_found", "_names", "_next")

    def __init__(self, names: set[str], found: list[str]) -> None:
        self._names, self._found = names, found
        self._next: dict[tuple[_Paths, str], _Paths] = {}

    def kept(self, value: Any, paths: _Paths) -> Any:
        if () in paths:
            self._found += leaves(value)
            return REDACTED
        if isinstance(value, Mapping):
            fields = {name: self._item(item, self._after(paths, name)) for name, item in value.items()}
            return value if all(fields[name] is item for name, item in value.items()) else fields
        if isinstance(value, list):
            within = self._after(paths, "") | paths  # a rule means each item of a list
            items = [self._item(item, within) for item in value]
            return value if all(new is item for new, item in zip(items, value, strict=True)) else items
        return value

    def _item(self, item: Any, paths: _Paths) -> Any:
        return self.kept(item, paths) if paths else item

    def _after(self, paths: _Paths, name: str) -> _Paths:
        step = _name(name)
        step = step if step in self._names else ""
        known = self._next.get((paths, step))
        if known is None:
            onwards = {path[1:] for path in paths if path[0] in (step, _ANY)}
            deep = {path for path in paths if path[0] == _DEEP}
            known = self._next[paths, step] = _spread(frozenset(onwards | deep))
        return known
