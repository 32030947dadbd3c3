"""What a page offers to take back: a pause, or its end, that was done by the form before."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from services.api.pages.forms import Form
from services.api.pages.visits import Visit
from shared.errors import NotFound
from shared.schemas.bulk.results import BulkProgress, BulkResult
from shared.schemas.bulk.wanted import CronAction
from shared.schemas.crons import Cron
from shared.schemas.queues import Queue
from shared.security.sessions import Signed
from shared.store.keyspace import Team

DID = "did"
MOST_NAME = 80
"""Characters of a name: what is said lies over the page."""
MOST = 100
"""Crons that are taken back together: of more the answer does not say which were so already."""
_DID = re.compile(r"(paused|resumed)-([1-9]\d{0,14})", re.ASCII)

Get = Callable[[Redis, Team, int], Awaitable[Cron | Queue]]


class Undo(NamedTuple):
    """What was done, and the form that takes it back."""

    words: str
    action: str
    once: str
    is_list: bool
    fields: Mapping[str, str] = {}
    """What the form says beside."""


def done(path: str, number: int, *, is_active: bool) -> str:
    """The address of a page that says so of the cron or queue of that number."""
    return f"{path}?{DID}={'resumed' if is_active else 'paused'}-{number}"


async def offered(visit: Visit, signed: Signed, get: Get, path: str, *, is_list: bool) -> Undo | None:
    """For as long as it is as the address says; `path` is that of the list."""
    found = _DID.fullmatch(visit.request.query_params.get(DID, ""))
    if not found or not signed.team:
        return None
    try:
        one = await get(visit.having.redis, signed.team, int(found[2]))
    except NotFound:
        return None
    if one.is_active != (found[1] == "resumed"):
        return None
    back = "pause" if one.is_active else "resume"
    name = one.name if len(one.name) <= MOST_NAME else f"{one.name[:MOST_NAME]}…"
    return Undo(f"{name} is {found[1]}.", f"{path}/{one.id}/{back}", Form().once, is_list)


def of_many(
    path: str, ids: Sequence[int], action: CronAction, result: BulkResult | BulkProgress
) -> Undo | None:
    """For those that one call paused or resumed: not for what was so already, or was refused."""
    back = {CronAction.PAUSE: CronAction.RESUME, CronAction.RESUME: CronAction.PAUSE}.get(action)
    if back is None or not isinstance(result, BulkResult) or not result.done or len(ids) > MOST:
        return None
    left = {*result.unchanged_ids, *(one.id for one in result.refusals)}
    changed = [one for one in ids[: len(ids) - result.remaining] if one not in left]
    many = "1 cron is" if result.done == 1 else f"{result.done} crons are"
    did = "paused" if action is CronAction.PAUSE else "resumed"
    fields = {"action": back.value, **{f"id-{one}": "on" for one in changed}}
    return Undo(f"{many} {did}.", f"{path}/bulk", Form().once, False, fields)
