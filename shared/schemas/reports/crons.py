"""A list of crons in an order of its own, with how many there are."""

from typing import Annotated

from pydantic import Field

from shared.schemas.base import Page, Schema
from shared.schemas.crons import Cron


class CronCounts(Schema):
    """How many crons there are, whatever was searched for; one that has ended counts there alone."""

    all: int
    failing: int
    paused: int
    ended: int
    heartbeats: int


class CronPage(Page[Cron]):
    counts: Annotated[
        CronCounts | None,
        Field(description="Only of a sorted list", exclude_if=lambda counts: counts is None),
    ] = None
