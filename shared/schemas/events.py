"""Events: what just happened, as the `events` stream carries it."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from shared.schemas.base import Schema


def _comma_separated(value: Any) -> Any:
    return tuple(value.split(",")) if isinstance(value, str) else value


class Event(Schema):
    """`name` (`job.created`) happened to all of `refs`: `j:<job>`, `e:<execution>` or `a:<alert>`.

    Of what was deleted there are `q:<queue>` and `c:<cron>` too.
    """

    v: int = 1
    name: str
    team: int
    refs: Annotated[tuple[str, ...], BeforeValidator(_comma_separated)]
