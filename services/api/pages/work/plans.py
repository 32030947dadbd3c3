"""The plan of a replay: what is typed as a choice of dead letters, and what would happen."""

from collections.abc import Sequence
from typing import NamedTuple

from pydantic import JsonValue

from services.api.pages.forms import Form, number, parsed
from services.api.pages.work.job_forms import headers_of
from services.api.pages.work.words import plural, span
from shared.schemas.dead_letters import ReplayChange, ReplayCreate, ReplayPlan

TRIAL = 5
"""How many of the newest a trial sends."""
ALL, NEWEST = "all", "newest"
USUAL = {"how_many": ALL, "rate": "10", "stop_after": "3", "first": "on"}
FIELDS = ("how_many", "rate", "stop_after", "first", "origin", "headers", "expected")


class Plan(NamedTuple):
    """What a dry run found, and what will happen by it."""

    found: ReplayPlan
    warnings: Sequence[str]
    steps: list[str]


def wanted(form: Form, problem_id: int, newest: Sequence[int]) -> ReplayCreate:
    """What the form chooses of a problem's dead letters; raises Refused."""
    given: dict[str, object] = {
        "rate": number(form.get("rate")),
        "stop_after_failures": number(form.get("stop_after")),
        "send_one_first": form.has("first"),
        "change": _change(form),
    }
    if form.get("how_many") == NEWEST and newest:
        return parsed(ReplayCreate, {**given, "ids": list(newest), "rate": given["rate"] or 50})
    return parsed(ReplayCreate, {**given, "problem_id": problem_id})


def _change(form: Form) -> ReplayChange | None:
    change: dict[str, JsonValue] = {}
    if origin := form.get("origin").strip():
        change["origin"] = origin
    if headers := headers_of(form.get("headers")):
        change["headers"] = {name: value or None for name, value in headers.items()}
    return parsed(ReplayChange, change) if change else None


def steps(chosen: ReplayCreate, plan: ReplayPlan) -> list[str]:
    """What will happen, in its order."""
    count, rate = plan.would_replay, chosen.rate or 50
    found = list[str]()
    if not count:
        return ["Nothing would be sent."]
    if chosen.send_one_first:
        found.append("One job is sent now.")
        if count > 1:
            found.append(
                f"If its first attempt succeeds, the others follow, {rate:,} a second. "
                f"That takes {span(max(1, plan.seconds))}."
            )
    else:
        found.append(
            f"{plural(count, 'job')} go out, {rate:,} a second. That takes {span(max(1, plan.seconds))}."
        )
    found.append(
        "Each is a new job with all its retries. "
        + ("Its request is changed as you say." if chosen.change else "Targets see the same body and a new ")
        + ("" if chosen.change else "Idempotency-Key.")
    )
    if chosen.stop_after_failures:
        found.append(
            f"If {plural(chosen.stop_after_failures, 'job')} fail again, it stops. "
            "What is left stays a dead letter."
        )
    for one in plan.skipped:
        found.append(f"{plural(one.count, 'job')} would not be sent: {one.name}.")
    return found
