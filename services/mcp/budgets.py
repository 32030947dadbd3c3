"""What is left of the calls and runs of a token, and when more come."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from shared.schemas.base import Schema
from shared.security.meter import Meter


class Budget(Schema):
    """Of one window of the token's limits."""

    of: Literal["calls", "runs"]
    per: Literal["hour", "day"]
    most: int
    left: int
    more_in_seconds: Annotated[int, Field(description="Until the hour or day is over, by UTC")]


def left(meter: Meter | None) -> list[Budget]:
    """As the call that is being made has counted them; none of a token without such limits."""
    return [
        Budget.model_validate(
            {
                **dict(zip(("of", "per"), window.name.split("-"), strict=True)),
                "most": window.most,
                "left": window.left,
                "more_in_seconds": -(-window.ends_in_ms // 1000),
            }
        )
        for window in (meter.windows if meter else ())
    ]


def said(budgets: Sequence[Budget]) -> str:
    """The same as a sentence; empty if there are none."""
    parts = [
        f"{one.left} of {one.most} {one.of} this {one.per} (more in {one.more_in_seconds} s)"
        for one in budgets
    ]
    return f"Left: {'; '.join(parts)}." if parts else ""
