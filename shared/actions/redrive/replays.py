"""Replays as they are stored, and as callers see them."""

from collections.abc import Sequence

from pydantic_core import from_json
from redis.asyncio import Redis

from shared import clock
from shared.errors import Conflict, NotFound
from shared.schemas.dead_letters import Replay, ReplayReason, ReplayState
from shared.store import records, transitions
from shared.store.keyspace import Team
from shared.store.records import Fields

_NUMBERS = ("total", "replayed", "skipped", "completed", "failed", "waiting", "rate")


async def read(redis: Redis, team: Team, ids: Sequence[int]) -> list[Replay]:
    rows = await transitions.read_replays(redis, team, ids)
    return records.each("replay", rows, of_row)


def of_row(replay_id: str, flat: Sequence[str]) -> Replay:
    """The replay; raises NotFound if there is none."""
    if not flat:
        raise NotFound("Replay")
    return _replay(int(replay_id), records.fields_of(flat))


def as_expected(found: Replay, expected: int | None) -> Replay:
    """The replay; raises Conflict if it was not begun, as its dead letters are of another number."""
    if found.reason != ReplayReason.EXPECTED_COUNT:
        return found
    raise Conflict(
        f"The expected_count field is {expected}, but {found.total} dead letters are chosen now. Nothing was "
        "sent: look with dry_run what has changed."
    )


def _replay(replay_id: int, fields: Fields) -> Replay:
    return Replay(
        id=replay_id,
        state=ReplayState(fields["state"]),
        **{name: int(fields.get(name, 0)) for name in _NUMBERS},
        stop_after_failures=int(fields["stop_after"]) if fields["stop_after"] else None,
        created_at=clock.moment(fields["created"]),
        ended_at=records.instant(fields, "ended"),
        reason=ReplayReason(fields["reason"]) if fields.get("reason") else None,
        first_job_id=int(fields["first_job"]) if "first_job" in fields else None,
        changes=tuple(fields["changes"].split(",")) if "changes" in fields else (),
        warnings=from_json(fields.get("warnings", "[]")),
    )
