"""Whether an answer is what its owner expects."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from services.worker.http.bodies.aside import Aside
from services.worker.http.bodies.checks import Wanted
from services.worker.http.heads import shown
from shared.schemas.assertions import (
    Assertion,
    BodyContains,
    BodyMatches,
    BodyNotContains,
    HeaderEquals,
    JsonPathEquals,
    ResponseTimeUnder,
    StatusCodeEquals,
)

LONGEST_SECONDS = 60.0
"""For all assertions of one answer; each of them may wait for those of the team's others."""

_OF_BODY = BodyContains | BodyNotContains | BodyMatches | JsonPathEquals


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back; `body` as far as it was read, `is_whole` if that was all of it."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    is_whole: bool
    duration_ms: int


def look_at_body(assertions: Sequence[Assertion]) -> bool:
    """Whether the body is needed, beyond what is kept of it."""
    return any(isinstance(assertion, _OF_BODY) for assertion in assertions)


async def failed(
    assertions: Sequence[Assertion], answered: Answered, aside: Aside, team: int = 0
) -> str | None:
    """The sentence that names the first assertion that does not hold, or nothing if all do."""
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            return await _first_of(assertions, answered, aside, team)
    except TimeoutError:
        return f"Assertions failed: there was no time to look at all of them within {LONGEST_SECONDS:g} s."


async def _first_of(
    assertions: Sequence[Assertion], answered: Answered, aside: Aside, team: int
) -> str | None:
    for assertion in assertions:
        if isinstance(assertion, _OF_BODY):
            wanted = Wanted(assertion.type, assertion.value, getattr(assertion, "path", ""))
            why = await aside.why_not(team, wanted, answered.body, is_whole=answered.is_whole)
        else:
            why = _why_not(assertion, answered)
        if why:
            return f"Assertion {assertion.type} failed: {why}."
    return None


def _why_not(
    assertion: StatusCodeEquals | ResponseTimeUnder | HeaderEquals, answered: Answered
) -> str | None:
    match assertion:
        case StatusCodeEquals(value=value):
            return None if int(value) == answered.status else f"the status is {answered.status}, not {value}"
        case ResponseTimeUnder(value=value):
            took = answered.duration_ms
            return None if took < int(value) else f"it took {took} ms, not under {value} ms"
        case HeaderEquals(name=name, value=value):
            found = [given for known, given in answered.headers if known == name.lower()]
            if value in found:
                return None
            return (
                f"{name} is {shown(found[0])}, not {shown(value)}" if found else f"there is no header {name}"
            )
