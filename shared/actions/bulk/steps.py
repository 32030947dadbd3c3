"""One change of many: which are meant is noted first, then each is done, and what became of all is kept."""

import time
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import Any, NamedTuple

from shared.actions import audit
from shared.actions.bulk import background
from shared.basics.search import Search
from shared.errors import Conflict, Damaged, Forbidden, Invalid, NotFound
from shared.operations import Call
from shared.schemas.base import SEARCHED
from shared.schemas.bulk.results import BulkMatch, BulkProgress, BulkRefusal, BulkResult
from shared.schemas.bulk.wanted import AT_ONCE, MOST_IDS, Bulk
from shared.store import connection, paging, transitions
from shared.store.paging import Walk
from shared.store.transitions import NewBulk, StoredBulk
from shared.store.writes import Write

MOST_REFUSALS, SAMPLE = 100, 20
SECONDS = 10.0
"""For so long one call goes on; it does one at least."""
_MEANT, _DONE = 0, 1
"""Steps of the write under a key: which ones are meant, and what became of them."""


class Outcome(Enum):
    DONE = "done"
    UNCHANGED = "unchanged"
    MISSING = "missing"
    REFUSED = "refused"


Do = Callable[[int], Awaitable[Outcome]]
"""Does it to one; raises NotFound for what is not there, and other errors of a caller's if it is refused."""


async def tried(do: Do, one: int) -> tuple[Outcome, str]:
    """What became of it, and why it was refused."""
    try:
        return await do(one), ""
    except NotFound:
        return Outcome.MISSING, ""
    except (Conflict, Damaged, Forbidden, Invalid) as error:
        return Outcome.REFUSED, str(error)


class Chosen(NamedTuple):
    """Ids, and how many of the newest rows the search for them looked at unless it was all."""

    ids: list[int]
    looked_at: int | None = None


class Many(NamedTuple):
    """What is done to many of a noun."""

    noun: str
    action: str | None
    change: str | None
    """Of fields (JSON), where there is no action."""
    choose: Callable[[], Awaitable[Chosen]]
    preview: Callable[[Sequence[int]], Awaitable[list[BulkMatch]]]
    do: Do
    runs: bool = False


async def carry_out(call: Call, wanted: Bulk, many: Many) -> BulkResult | BulkProgress:
    """Do it to each, or say what would be done; raises Conflict if it is not as many as expected.

    More than are done at once are left to the schedulers.
    A repeat under its key goes on with the same ids, whatever a search finds by then, until none remain.
    """
    if wanted.dry_run:
        chosen = await many.choose()
        _check_count(wanted, len(chosen.ids))
        sample = await many.preview(chosen.ids[:SAMPLE])
        return BulkResult(
            dry_run=True, matched=len(chosen.ids), looked_at=chosen.looked_at, sample=tuple(sample)
        )
    if (done := await transitions.recall(call.redis, call.key, _DONE)) is not None:
        return BulkResult.model_validate_json(done)
    meant = await transitions.recall(call.redis, call.key, _MEANT)
    if meant is None:
        meant = await _begun(call, wanted, many)
    if not isinstance(meant, str):
        return background.of_row(StoredBulk(*meant))
    ids = _ids_of(meant)
    with connection.begun():
        result = await _each(ids, many)
        if call.key is None or result.remaining:
            return result
        text, key = result.model_dump_json(), Write(call.key)
        kept = await transitions.note_bulk(
            call.redis, call.team, (), noun=many.noun, text=text, write=key, step=_DONE
        )
    return BulkResult.model_validate_json(kept)


async def chosen_by(wanted: Bulk, walk: Walk) -> Chosen:
    """The given ids, each once, or those that the search finds, newest first."""
    if wanted.ids is not None:
        return Chosen(list(dict.fromkeys(wanted.ids)))
    found = await paging.search(walk, MOST_IDS)
    return Chosen(found.ids, found.looked_at)


def check_search(wanted: Bulk, search: Search[Any]) -> None:
    """Raise Invalid if the search says nothing, and so means all there are."""
    if wanted.q is not None and search.is_of_all:
        said = "it looks for nothing, and finds all. Say which ones, as status:failed."
        raise Invalid(SEARCHED, f"The {SEARCHED} field must name what is meant: {said}")


async def _begun(call: Call, wanted: Bulk, many: Many) -> str | StoredBulk:
    """Which ones are meant, noted under the key and in the audit trail before the first is done."""
    ids, looked_at = await many.choose()
    _check_count(wanted, len(ids))
    if looked_at is not None:
        said = f"there are more than the newest {looked_at:,}, at which a search looks; give ids instead."
        raise Invalid(SEARCHED, f"The {SEARCHED} field must leave nothing out: {said}")
    given = {"action": many.action or "change", "change": many.change, SEARCHED: wanted.q}
    changes = audit.made(**{name: text for name, text in given.items() if text}, count=str(len(ids)))
    write = call.write(changes) if ids else Write(call.key)
    async with call.counting_runs(len(ids) if many.runs else 0):
        if len(ids) > AT_ONCE:
            return await background.start(call, _left_to_schedulers(call, many, ids), write)
        return await transitions.note_bulk(
            call.redis,
            call.team,
            _ranges(ids),
            noun=many.noun,
            text=",".join(map(str, ids)),
            write=write,
            step=_MEANT,
        )


def _left_to_schedulers(call: Call, many: Many, ids: Sequence[int]) -> NewBulk:
    return NewBulk(
        many.noun,
        ids,
        f",{many.noun}:".join(_ranges(ids)),
        many.action,
        many.change,
        actor=call.actor,
        token=call.token,
        digest=call.caller.digest,
        limits=call.limits.given.model_dump_json() if call.limits else None,
    )


async def _each(ids: Sequence[int], many: Many) -> BulkResult:
    counts, refusals, unchanged = dict.fromkeys(Outcome, 0), list[BulkRefusal](), list[int]()
    deadline, begun = time.monotonic() + SECONDS, 0
    for one in ids:
        if begun and time.monotonic() > deadline:
            break
        begun += 1
        outcome, reason = await tried(many.do, one)
        counts[outcome] += 1
        if outcome is Outcome.REFUSED:
            refusals.append(BulkRefusal(id=one, reason=reason))
        elif outcome is Outcome.UNCHANGED:
            unchanged.append(one)
    return BulkResult(
        matched=len(ids),
        **{outcome.value: count for outcome, count in counts.items()},
        remaining=len(ids) - begun,
        refusals=tuple(refusals[:MOST_REFUSALS]),
        unchanged_ids=tuple(unchanged[:MOST_REFUSALS]),
    )


def _check_count(wanted: Bulk, count: int) -> None:
    if wanted.expected_count not in (None, count):
        raise Conflict(
            f"The expected_count is {wanted.expected_count}, but {count} are meant; nothing was done. "
            "Look with dry_run, then give the count that you mean."
        )


def _ids_of(text: str) -> list[int]:
    return [int(one) for one in text.split(",") if one]


def _ranges(ids: Sequence[int]) -> list[str]:
    """Ids as the audit trail has them: neighbours as `8-12`."""
    found: list[list[int]] = []
    for one in sorted(ids):
        if found and found[-1][1] == one - 1:
            found[-1][1] = one
        else:
            found.append([one, one])
    return [str(first) if first == last else f"{first}-{last}" for first, last in found]
