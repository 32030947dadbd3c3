"""The time policy of a cron: what beside its expression decides when it fires, and late fires (spec §5)."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.schedule.policy import MisfirePolicy
from shared.schemas.base import NO_BOOL, Schema
from shared.schemas.instants import End, Start

WEEK_SECONDS = 604_800


class OverlapPolicy(StrEnum):
    """What to do about a fire while an execution of the same cron waits or runs."""

    ALLOW = "allow"
    SKIP = "skip"
    QUEUE_ONE = "queue_one"


class Timing(Schema):
    misfire_policy: Annotated[
        MisfirePolicy,
        Field(description="Of fires that were missed, run the last, none or all: run_once, skip or run_all"),
    ] = MisfirePolicy.RUN_ONCE
    misfire_window_seconds: Annotated[
        int, Field(ge=0, le=WEEK_SECONDS, description="What is later than this is not caught up"), NO_BOOL
    ] = 3600
    overlap_policy: Annotated[
        OverlapPolicy,
        Field(description="While one runs: allow another, skip it, or queue_one until that has ended"),
    ] = OverlapPolicy.ALLOW
    spread_seconds: Annotated[
        int,
        Field(ge=0, le=86_400, description="Fire up to so much later, always by the same offset"),
        NO_BOOL,
    ] = 0
    starts_at: Annotated[Start | None, Field(description="No fire before")] = None
    ends_at: Annotated[End | None, Field(description="No fire after")] = None
    max_runs: Annotated[
        Annotated[int, Field(ge=1, le=1_000_000_000), NO_BOOL] | None,
        Field(description="End after so many scheduled runs"),
    ] = None
