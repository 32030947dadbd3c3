"""What a replay would do if it were made now, without doing it."""

import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field

from shared.actions.accounts import reach
from shared.actions.redrive import changing
from shared.actions.redrive.changing import Change, Changed, Unchangeable
from shared.operations import Call
from shared.schemas.dead_letters import ReplayPlan, Share
from shared.schemas.runs import FailureReason
from shared.security.destinations import origin_of
from shared.store import records, stored, transitions
from shared.store.transitions import StoredJob

MOST_LOOKED_AT, LOOK_SECONDS = 10_000, 10.0
"""So many dead letters are looked at, or for so long."""
_SHOWN = 20
_PORTS = {"http": ":80", "https": ":443"}
NO_DEAD_LETTER = "It is no dead letter of this team."
REPLAYED = "It was replayed before."
LOST = "What it asked for is lost, so it cannot be replayed; purge it, or make a new job."
SAME_CHAIN = "Another id of its chain is chosen too."


@dataclass(slots=True)
class Look:
    """What was seen of the chosen dead letters so far."""

    change: Change | None
    looked_at: int = 0
    selected: int = 0
    has_more: bool = False
    seen: set[int] = field(default_factory=set)
    skipped: Counter[str] = field(default_factory=Counter)
    queues: Counter[str] = field(default_factory=Counter)
    hosts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    destinations: set[str] = field(default_factory=set)

    @property
    def would_replay(self) -> int:
        return self.queues.total()

    def plan(self, rate: int | None) -> ReplayPlan:
        """At so many a second; None is at once."""
        return ReplayPlan(
            selected=self.selected,
            would_replay=self.would_replay,
            skipped=_largest(self.skipped),
            by_queue=_largest(self.queues),
            by_host=_largest(self.hosts),
            by_failure_reason=_largest(self.reasons),
            drops_headers=_largest(self.dropped),
            seconds=math.ceil(self.would_replay / rate) if rate else 0,
            looked_at=self.looked_at,
            has_more=self.has_more,
        )

    def take(self, row: StoredJob) -> None:
        """A chosen dead letter, which would be replayed or skipped."""
        self.selected += 1
        if not row.spec:
            self.skipped[LOST] += 1
            return
        done = self._changed(row.spec)
        if isinstance(done, Unchangeable):
            self.skipped[done.reason] += 1
            return
        url = str(done.fields.get("url", ""))
        self.queues[row.queue] += 1
        self.hosts[_host(url)] += 1
        self.reasons[_reason(row.run)] += 1
        self.destinations.add(origin_of(url))
        self.dropped.update(done.dropped)

    def _changed(self, spec: str) -> Changed | Unchangeable:
        """What would be sent, without a change as it is stored: then even what nobody can read."""
        try:
            fields = stored.read_spec(spec).fields
            return self.change.applied(fields) if self.change else Changed(fields, False, ())
        except (ValueError, TypeError, AttributeError):
            return Unchangeable(changing.UNREADABLE) if self.change else Changed({}, False, ())


async def looked(call: Call, batches: AsyncIterator[Sequence[int]], change: Change | None) -> Look:
    """Look at the chosen, in the order of a replay."""
    look, deadline = Look(change), time.monotonic() + LOOK_SECONDS
    async for ids in batches:
        if look.looked_at >= MOST_LOOKED_AT or time.monotonic() > deadline:
            look.has_more = True
            break
        look.looked_at += len(ids)
        allowed = {*await reach.within(call, ids)}
        look.skipped[reach.OUTSIDE] += sum(one not in allowed for one in ids)
        await _look_at(call, look, [one for one in ids if one in allowed])
    look.skipped = +look.skipped
    return look


async def _look_at(call: Call, look: Look, ids: Sequence[int]) -> None:
    rows = await _read(call, look, ids)
    originals = {job_id: _original(row) for job_id, row in rows.items()}
    missing = [first for first in originals.values() if first not in rows]
    rows |= await _read(call, look, missing) if missing else {}
    for job_id in ids:
        row = rows.get(originals.get(job_id, job_id))
        why = _no_dead_letter(row, look.seen)
        if why or row is None:
            look.skipped[why or NO_DEAD_LETTER] += 1
        else:
            look.seen.add(int(row.id))
            look.take(row)


async def _read(call: Call, look: Look, ids: Sequence[int]) -> dict[int, StoredJob]:
    """Of what is changed all must be there that says whether it can be."""
    rows = await transitions.read_jobs(
        call.redis, call.team, ids, with_runs=True, most_bytes=stored.LOOK_BYTES
    )
    found = {int(row.id): row for row in rows}
    cut = [one for one, row in found.items() if look.change and _is_cut(row.spec, look.change)]
    whole = await transitions.read_jobs(
        call.redis, call.team, cut, with_runs=True, most_bytes=stored.WHOLE_BYTES
    )
    return found | {int(row.id): row for row in whole}


def _reason(run: str | None) -> str:
    try:
        return str(stored.read_run(run or "{}").fields.get("failure_reason") or FailureReason.UNKNOWN)
    except (ValueError, LookupError, TypeError, AttributeError):
        return FailureReason.UNKNOWN


def _is_cut(spec: str, change: Change) -> bool:
    """Whether more of it must be read: its headers, or whether a body that is to go elsewhere is sealed."""
    try:
        unread = stored.read_spec(spec).unread
        return "headers" in unread or (bool(unread) and change.moves)
    except (ValueError, AttributeError):
        return False


def _original(row: StoredJob) -> int:
    return int(records.fields_of(row.fields).get("origin", row.id))


def _no_dead_letter(row: StoredJob | None, seen: Collection[int]) -> str:
    if row is None:
        return NO_DEAD_LETTER
    fields = records.fields_of(row.fields)
    if fields.get("state") != "dead_lettered":
        return REPLAYED if "replayed_as" in fields else NO_DEAD_LETTER
    return SAME_CHAIN if int(row.id) in seen else ""


def _host(url: str) -> str:
    scheme, _, host = origin_of(url).partition("://")
    return host.removesuffix(_PORTS.get(scheme, "")) or url[:80]


def _largest(counted: Counter[str]) -> list[Share]:
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    return [Share(name=name, count=count) for name, count in ordered[:_SHOWN]]
