"""Events: what just happened, as the `events` stream carries it."""

from shared.schemas.base import Schema


class Event(Schema):
    """`name` is `job.created`, `cron.failed` and so on; `ref` is `j:<job id>` or `e:<execution id>`."""

    v: int = 1
    name: str
    team: int
    ref: str
