"""What a change of an OpenAPI document breaks for clients of the one before."""

import math
from collections.abc import Iterator
from typing import Any

Part = dict[str, Any]
SCOPES = ("read", "write", "admin")
_BOUNDS = (
    *(("minimum", -math.inf, 1), ("minLength", 0, 1), ("minItems", 0, 1)),
    *(("maximum", math.inf, -1), ("maxLength", math.inf, -1), ("maxItems", math.inf, -1)),
)
"""Keyword, what its absence means, and the sign by which more of it is narrower."""


def breaks(before: Part, after: Part) -> list[str]:
    """A sentence for each thing that clients of `before` may rely on, and that `after` does not keep."""
    return [
        f"{method.upper()} {path}: {said}"
        for path, methods in before["paths"].items()
        for method, operation in methods.items()
        for said in _of_operation(operation, after["paths"].get(path, {}).get(method), before, after)
    ]


def _of_operation(old: Part, new: Part | None, before: Part, after: Part) -> Iterator[str]:
    if new is None:
        yield "it is gone"
        return
    if old["operationId"] != new["operationId"]:
        yield f"its name {old['operationId']} is now {new['operationId']}"
    if _scope_of(old) < _scope_of(new):
        yield f"it needs the scope {SCOPES[_scope_of(new)]}"
    taken, answered = _Comparison(before, after), _Comparison(after, before)
    yield from _of_parameters(old, new, taken)
    yield from _of_body(old, new, taken)
    yield from _of_answers(old, new, answered)


def _scope_of(operation: Part) -> int:
    needed = [scope for one in operation["security"] for scopes in one.values() for scope in scopes]
    return max(map(SCOPES.index, needed), default=-1)


def _of_parameters(old: Part, new: Part, taken: "_Comparison") -> Iterator[str]:
    olds = {(one["in"], one["name"]): one for one in map(taken.narrow, old.get("parameters", ()))}
    news = {(one["in"], one["name"]): one for one in map(taken.wide, new.get("parameters", ()))}
    for key, one in olds.items():
        if key not in news:
            yield f"the parameter {key[1]} is gone"
        else:
            yield from taken.lost(one["schema"], news[key]["schema"], key[1])
    for key, one in news.items():
        if one.get("required") and not olds.get(key, {}).get("required"):
            yield f"the parameter {key[1]} is required"


def _of_body(old: Part, new: Part, taken: "_Comparison") -> Iterator[str]:
    had, has = old.get("requestBody"), new.get("requestBody")
    if has and has["required"] and not (had and had["required"]):
        yield "a body is required"
    if had and not has:
        yield "it takes no body"
    if had and has:
        for kind, content in had["content"].items():
            if kind not in has["content"]:
                yield f"it takes no {kind}"
            else:
                yield from taken.lost(content["schema"], has["content"][kind]["schema"], "body")


def _of_answers(old: Part, new: Part, answered: "_Comparison") -> Iterator[str]:
    olds = {status: one for status, one in old["responses"].items() if status < "300"}
    news = {status: one for status, one in new["responses"].items() if status < "300"}
    yield from (f"it may answer {status}" for status in news.keys() - olds.keys())
    for status in olds.keys() & news.keys():
        schemas = (one["content"]["application/json"]["schema"] for one in (news[status], olds[status]))
        yield from answered.lost(*schemas, f"answer {status}")


class _Comparison:
    """Of schemas of one document with those of another, which should accept no less."""

    def __init__(self, narrow: Part, wide: Part) -> None:
        self._narrow, self._wide = narrow, wide
        self._seen: set[tuple[str, str]] = set()

    def narrow(self, part: Part) -> Part:
        return _resolved(part, self._narrow)

    def wide(self, part: Part) -> Part:
        return _resolved(part, self._wide)

    def lost(self, narrow: Part, wide: Part, place: str) -> Iterator[str]:
        """What is valid for `narrow` and not for `wide`."""
        refs = (narrow.get("$ref", ""), wide.get("$ref", ""))
        if all(refs):
            if refs in self._seen:
                return
            self._seen.add(refs)
        narrow, wide = self.narrow(narrow), self.wide(wide)
        if "anyOf" in narrow or "anyOf" in wide:
            yield from self._lost_choices(narrow, wide, place)
            return
        if not _has_type(narrow.get("type"), wide.get("type")):
            yield f"{place} is {narrow.get('type', 'anything')}, not {wide['type']}"
            return
        yield from _lost_values(narrow, wide, place)
        yield from self._lost_fields(narrow, wide, place)
        if "items" in narrow and "items" in wide:
            yield from self.lost(narrow["items"], wide["items"], f"{place}[]")

    def _lost_choices(self, narrow: Part, wide: Part, place: str) -> Iterator[str]:
        choices = [self.wide(one) for one in wide.get("anyOf", [wide])]
        for choice in narrow.get("anyOf", [narrow]):
            found = [list(_Comparison(self._narrow, self._wide).lost(choice, one, place)) for one in choices]
            if all(found):
                yield min(found, key=len)[0]

    def _lost_fields(self, narrow: Part, wide: Part, place: str) -> Iterator[str]:
        fields, known = narrow.get("properties", {}), wide.get("properties", {})
        for name in wide.get("required", ()):
            if name not in narrow.get("required", ()):
                yield f"{place}.{name} is required there, and may be missing here"
        for name, field in fields.items():
            if name in known:
                yield from self.lost(field, known[name], f"{place}.{name}")
            elif wide.get("additionalProperties") is False:
                yield f"{place}.{name} is gone"
        inner, outer = narrow.get("additionalProperties"), wide.get("additionalProperties")
        if isinstance(inner, dict) and isinstance(outer, dict):
            yield from self.lost(inner, outer, f"{place}.*")


def _lost_values(narrow: Part, wide: Part, place: str) -> Iterator[str]:
    for keyword in ("enum", "const"):
        had, has = _listed(narrow.get(keyword)), _listed(wide.get(keyword))
        if has and (not had or set(had) - set(has)):
            yield f"{place} may be {sorted(set(had) - set(has)) or 'any value'}, not only {has}"
    for keyword, absent, sign in _BOUNDS:
        if (wide.get(keyword, absent) - narrow.get(keyword, absent)) * sign > 0:
            yield f"{place} has the {keyword} {narrow.get(keyword, absent)}, not {wide[keyword]}"
    for keyword in ("pattern", "format"):
        if keyword in wide and wide[keyword] != narrow.get(keyword):
            yield f"{place} has the {keyword} {narrow.get(keyword)}, not {wide[keyword]}"


def _has_type(narrow: str | None, wide: str | None) -> bool:
    return wide is None or narrow == wide or (narrow, wide) == ("integer", "number")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _resolved(part: Part, document: Part) -> Part:
    found: Any = part
    while "$ref" in found:
        target: Any = document
        for name in found["$ref"].removeprefix("#/").split("/"):
            target = target[name]
        found = {**target, **{key: value for key, value in found.items() if key != "$ref"}}
    return dict(found)
