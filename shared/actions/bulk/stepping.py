"""What a scheduler does of a change of many: the next ones, each as a call of its own would."""

import asyncio
import time
from collections.abc import Iterator, Sequence

from redis.asyncio import Redis

from shared.actions.bulk import crons, jobs
from shared.actions.bulk.steps import Do, Outcome, tried
from shared.errors import Conflict, Damaged, Unauthenticated
from shared.operations import Call
from shared.schemas.accounts.tokens import TokenLimits
from shared.schemas.base import STORED
from shared.schemas.bulk.results import BulkReason
from shared.schemas.bulk.wanted import CronAction, CronBulkChange, JobAction
from shared.security import limits
from shared.security.caller import Caller, look_up
from shared.security.vault import Vault
from shared.store import records, transitions
from shared.store.keyspace import Team
from shared.store.records import Fields
from shared.store.transitions import Settled
from shared.store.writes import Taken

BATCH, AT_ONCE = 100, 2
"""So many are claimed, and so many of these done side by side: the same process fires crons in time."""
MOST_REST_SECONDS = 0.02
"""After each as long as it took, but not for longer: others find the process and Redis idle."""
SECONDS = 2.0
"""For so long a step goes on: others get their turn, and nobody takes its scheduler for gone."""


class Keyless(Vault):
    """Where no encryption key is: what would have to be sealed is refused."""

    def __init__(self) -> None:
        """Nothing is kept."""

    def seal(self, text: str, *place: str | int) -> str:
        raise Conflict(
            "It has something to be sealed, for what is kept of requests was changed since, and no secret is "
            "sealed in the background: change it alone."
        )


_KEYLESS = Keyless()


async def step(redis: Redis, team: Team, bulk: str, holder: str, now_ms: int | None = None) -> int:
    """Do the next ones unless another scheduler does; how many are left then, 0 if it is not ours."""
    claimed = await transitions.claim_bulk(redis, team, bulk=bulk, holder=holder, most=BATCH, now_ms=now_ms)
    if claimed is None:
        return 0
    fields = records.fields_of(claimed.fields)
    try:
        digest, do = fields["digest"], _doing(_call(redis, team, bulk, fields), fields)
    except (ValueError, LookupError) as error:
        raise Damaged(f"bulk {bulk}: {error}") from error
    if not await _may_go_on(redis, digest):
        await transitions.cancel_bulk(redis, team, bulk=bulk, reason=BulkReason.TOKEN_ENDED, now_ms=now_ms)
        return 0
    settled = await _each(do, claimed.ids)
    return await transitions.settle_bulk(redis, team, settled, bulk=bulk, holder=holder, now_ms=now_ms)


async def _may_go_on(redis: Redis, digest: str) -> bool:
    """Whether whoever wanted it could want it now: the token is there, and may write."""
    if not digest:
        return True
    try:
        return (await look_up(redis, digest)).has("write")
    except Unauthenticated:
        return False


def _call(redis: Redis, team: Team, bulk: str, fields: Fields) -> Call:
    """The call of then: its line stands in the audit trail, and its runs are counted."""
    given = fields["limits"] and TokenLimits.model_validate_json(fields["limits"], context=STORED)
    caller = Caller(
        team,
        frozenset({"write"}),
        fields["token"],
        fields["actor"],
        limits=limits.of(given) if given else None,
        digest=fields["digest"],
    )
    return Call(caller, redis, _KEYLESS, "rest", "", "", bulk=int(bulk))


def _doing(call: Call, fields: Fields) -> Do:
    """What is done to each."""
    if fields["noun"] == "job":
        return jobs.doing(call, JobAction(fields["action"]))
    if fields["action"]:
        return crons.doing(call, CronAction(fields["action"]))
    return crons.doing(call, CronBulkChange.model_validate_json(fields["change"], context=STORED))


async def _each(do: Do, ids: Sequence[str]) -> list[Settled]:
    """Those that were not changed; the others were noted as they were."""
    settled: list[Settled] = []
    deadline, waiting = time.monotonic() + SECONDS, iter(ids)
    await asyncio.gather(*(_some(do, waiting, settled, deadline) for _ in range(AT_ONCE)))
    return settled


async def _some(do: Do, waiting: Iterator[str], settled: list[Settled], deadline: float) -> None:
    for text in waiting:
        one, began = int(text), time.monotonic()
        try:
            outcome, reason = await tried(do, one)
        except Taken:  # done by another scheduler meanwhile, or cancelled
            continue
        if outcome is not Outcome.DONE:
            settled.append(Settled(one, outcome.value, reason))
        now = time.monotonic()
        if now > deadline:
            return
        await asyncio.sleep(min(now - began, MOST_REST_SECONDS))
