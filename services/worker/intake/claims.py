"""Taking work from Redis and giving results back: one script, one round trip a batch."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic_core import from_json
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from services.worker.clock import Clock
from services.worker.work import (
    Cancelled,
    Complete,
    Dead,
    Execution,
    Fail,
    Job,
    Lease,
    Notice,
    OfTeam,
    Postpone,
    Release,
    Result,
    Retry,
    Verdict,
    Work,
)
from shared.basics.memory import MEBIBYTE, remembered
from shared.clock import elapsed
from shared.errors import Damaged
from shared.runtime.health import LEASE_SECONDS
from shared.schemas.kinds import Kind
from shared.schemas.queues import QueueSettings
from shared.store import connection, keyspace, transitions
from shared.store.lenient import Reader
from shared.store.transitions import Claimed, DetailedRow, Entry, FinishedRow

RECORDED, DROPPED, NOT_OURS = 1, 2, 0
OURS, TO_CANCEL = 1, 2
MOST_ORPHANS = 1000
SILENT_SECONDS = 1.0
"""How often work is looked for while the bell cannot be heard."""
CERTAIN_SECONDS = LEASE_SECONDS - 5.0
"""Of a lease, from before the claim; the rest is for what lies between a look at it and a request."""

_JOB, _NOTICE = Kind.JOB.value, Kind.NOTICE.value
_USUAL_DIGITS = 15
"""A float has as many, and says of them what they say."""
_LOST: tuple[None, str] = (None, "")
"""Of a queue whose settings are not there."""


_Queue = tuple[str, bool, QueueSettings | None, str]
"""What people call it, whether it is watched, its settings, and what is wrong with them."""
_Around = tuple[Mapping[str, _Queue], Mapping[str, OfTeam], float, float]
"""Of all works of a claim: queues by `<team>:<queue>`, teams, when it came, and when its leases end."""


@remembered(8 * MEBIBYTE, per_byte=6)
def _settings_of(spec: str) -> tuple[QueueSettings, str]:
    """A queue's settings, and what is wrong with them: a newer version may have written them."""
    reader = Reader()
    settings = reader.model(QueueSettings, reader.spec(spec).fields)
    return settings, reader.problem or ""


@remembered(MEBIBYTE)
def _rules_of(redact: str) -> tuple[str, ...]:
    return tuple(from_json(redact))


@dataclass(frozen=True, slots=True)
class Claims:
    """One worker's hands in one shard; `consumer` is its name in every group and never used twice."""

    redis: Redis
    shard: str
    consumer: str
    clock: Clock = field(default_factory=Clock)

    async def claim(
        self, n: int, now: int | None = None, *, spare: int = 0, kept: int = 0, crowd: Collection[int] = ()
    ) -> list[Work]:
        """Up to `n` pieces of work in order of turns, and `spare` more of queues with nothing in flight.

        The teams of the `crowd` leave `kept` of the spare places to the others, which may have several.
        """
        sent = elapsed()
        claimed = await transitions.claim(
            self.redis,
            self.shard,
            consumer=self.consumer,
            places=n,
            spare=spare,
            kept=kept,
            crowd=crowd,
            now_ms=now,
        )
        return self._works(claimed, sent)

    async def finish(self, results: Sequence[Result], now: int | None = None) -> list[int]:
        """Per result RECORDED, DROPPED (deleted meanwhile) or NOT_OURS, as is a repeat after a lost reply."""
        finished = [_finished(result) for result in results]
        return await transitions.finish(self.redis, self.shard, finished, consumer=self.consumer, now_ms=now)

    async def finish_and_claim(
        self, results: Sequence[Result], n: int, *, spare: int = 0, kept: int = 0, crowd: Collection[int] = ()
    ) -> tuple[list[int], list[Work] | None]:
        """`finish`, then `claim`, on one trip; nothing instead of work if only the claim failed.

        What failed may have been done, and so may either if this raises.
        """
        finished, sent = [_finished(result) for result in results], elapsed()
        pipeline = self.redis.pipeline(transaction=False)
        pipeline.execute_command(*transitions.finish_command(self.shard, finished, consumer=self.consumer))
        pipeline.execute_command(
            *transitions.claim_command(
                self.shard, consumer=self.consumer, places=n, spare=spare, kept=kept, crowd=crowd
            )
        )
        answers, claimed = await pipeline.execute(raise_on_error=False)
        if transitions.is_missing(answers):
            answers = await self.finish(results)
        if isinstance(answers, Exception):
            raise connection.translated(answers)
        if transitions.is_missing(claimed):
            return answers, await self.claim(n, spare=spare, kept=kept, crowd=crowd)
        return answers, None if isinstance(claimed, Exception) else self._works(Claimed(*claimed), sent)

    async def beat(self, works: Sequence[Work]) -> list[int]:
        """Say that these are still being worked on; per work OURS, TO_CANCEL or NOT_OURS."""
        entries, sent = [_entry(work) for work in works], elapsed()
        now_ms, answers = await transitions.beat(self.redis, self.shard, entries, consumer=self.consumer)
        self.clock.note(now_ms, sent, elapsed())
        for work, answer in zip(works, answers, strict=True):
            # One that has ended stays so: what was deleted or expired meanwhile may be in our name still.
            if answer != NOT_OURS and work.lease.until > sent:
                work.lease.until = sent + CERTAIN_SECONDS
        return list(answers)

    async def release_orphans(self, in_flight: Collection[str]) -> int:
        """Give back what is in this consumer's name but not in its hands: the reply to a claim was lost."""
        orphans = []
        for queue in await self.redis.smembers(keyspace.in_flight(self.shard)):  # type: ignore[misc]
            for lane in keyspace.LANES:
                for entry, consumer, ref, _beats in await transitions.in_flight(
                    self.redis, self.shard, queue=queue, lane=lane, after=None, most=MOST_ORPHANS
                ):
                    if consumer == self.consumer and f"{lane}{queue}:{entry}" not in in_flight:
                        orphans.append(_given_back(queue, lane, entry, ref))
        if orphans:
            await transitions.finish(self.redis, self.shard, orphans, consumer=self.consumer)
        return len(orphans)

    async def wait_and_claim(self, blocking: Redis, n: int, milliseconds: int) -> list[Work]:
        """Sleep until there may be work, at most so long, then claim up to `n`.

        Both go out at once: Redis runs the claim the moment the bell rings, with no round trip in between.
        """
        sent = elapsed()
        group, bell = ("GROUP", keyspace.WORKERS, self.consumer), keyspace.bell(self.shard)
        wait = ("XREADGROUP", *group, "COUNT", 1, "BLOCK", milliseconds, "NOACK", "STREAMS", bell, ">")
        claim = transitions.claim_command(self.shard, consumer=self.consumer, places=n)
        rang, claimed = await connection.exchange(blocking, wait, claim)
        if transitions.is_missing(claimed):
            return await self.claim(n)
        if isinstance(claimed, Exception):
            raise connection.translated(claimed)
        if isinstance(rang, Exception):
            await self._mend_bell(rang, milliseconds)
        return self._works(Claimed(*claimed), sent)

    async def withdraw(self, in_flight: Collection[str]) -> int:
        """Claim nothing from now on, and give back what claims on their way still moved into our name."""
        await transitions.stop_worker(self.redis, self.shard, consumer=self.consumer)
        orphans = await self.release_orphans(in_flight)
        await self.ring()  # no other worker heard the bell that rang for this one
        return orphans

    async def ring(self) -> None:
        await self.redis.xadd(keyspace.bell(self.shard), dict(r="1"), maxlen=1, approximate=False)

    async def _mend_bell(self, error: Exception, milliseconds: int) -> None:
        """Make the bell anew if it is lost; if it cannot be heard, rest all the same."""
        try:
            if "NOGROUP" in str(error):
                return await self._make_bell()
        except (Damaged, *connection.AWAY):
            pass
        await asyncio.sleep(min(SILENT_SECONDS, milliseconds / 1000))

    async def _make_bell(self) -> None:
        try:
            await self.redis.xgroup_create(keyspace.bell(self.shard), keyspace.WORKERS, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):  # another worker was faster
                raise

    def _works(self, claimed: Claimed, sent: float) -> list[Work]:
        """What a claim brought that went out at the moment `sent`."""
        now_ms, _, queues, rows, teams = claimed
        received = elapsed()
        self.clock.note(int(now_ms), sent, received)
        of_queues = {
            queue: (name, watched == "1", *(_settings_of(spec) if spec else _LOST))
            for queue, spec, name, watched in queues
        }
        of_teams = {
            team: OfTeam(signing, _rests(throttled), _rests(busy), _rules_of(redact) if redact else ())
            for team, signing, redact, throttled, busy in teams
        }
        around = (of_queues, of_teams, received, sent + CERTAIN_SECONDS)
        return [self._work(row, around) for row in rows]

    def _work(self, row: list[str], around: _Around) -> Work:
        """A row of `claim.lua`, whose `origin` each kind of work calls by a name of its own."""
        kind, team, queue, work_id, lane, entry, attempt, origin, due, spec, held_since, intent, name = row
        queues, teams, received, until = around
        queue_name, is_watched, settings, problem = queues[f"{team}:{queue}"]
        # fmt: off
        common = (
            self.shard, int(team), queue, int(work_id), lane, entry,
            1 if attempt == "1" else _number(attempt, 1), _number(due), spec,
            intent, _number(held_since) if held_since else 0,
            teams[team], self.clock, received, Lease(until), name or queue_name,
        )
        # fmt: on
        if kind == _JOB:
            return Job(*common, origin, settings, problem, is_watched)
        return Notice(*common, origin) if kind == _NOTICE else Execution(*common, origin)


def _number(text: str | None, spoiled: int = 0) -> int:
    """Of a record that may be damaged: one that cannot be read must not keep the others from being run."""
    if text and text.isdecimal() and len(text) <= _USUAL_DIGITS:
        return int(text)
    try:
        return int(float(text or 0))
    except (ValueError, OverflowError):
        return spoiled


def _rests(hosts: Sequence[str]) -> Mapping[str, int]:
    return {host: int(float(until)) for host, until in zip(hosts[::2], hosts[1::2], strict=True)}


def _given_back(queue: str, lane: str, entry: str, ref: str) -> FinishedRow:
    """The release of an entry of `<team>:<queue>` that nobody has in hand."""
    team, _, queue_id = queue.partition(":")
    kind, _, work_id = ref.partition(":")
    return kind, int(team), queue_id, int(work_id or 0), lane, entry, "release", "", "", "", ""


def _entry(work: Work) -> Entry:
    where = (work.queue, work.id, work.lane, work.entry)
    return Entry(work.kind, work.team, *where)


def _finished(result: Result) -> FinishedRow | DetailedRow:
    work, verdict, run, response, reason, facts, waited_ms, took_ms, target = result
    said, run, after_ms = _verdict(verdict, run)
    waited, took = "" if waited_ms is None else waited_ms, "" if took_ms is None else took_ms
    # fmt: off
    if not (after_ms or response or reason or facts or target):
        return work.kind, work.team, work.queue, work.id, work.lane, work.entry, said, run, waited, took, ""
    return (
        work.kind, work.team, work.queue, work.id, work.lane, work.entry, said, run, waited, took, "1",
        after_ms, response, reason, facts, target,
    )
    # fmt: on


def _verdict(verdict: Verdict, run: str) -> tuple[str, str, int]:
    match verdict:
        case Complete():
            return "complete", run, 0
        case Retry(after_seconds):
            return "retry", run, after_seconds * 1000
        case Dead():
            return "dead", run, 0
        case Fail() | Cancelled():
            return "fail", run, 0
        case Release():
            return "release", "", 0
        case Postpone(after_seconds):
            return "postpone", "", round(after_seconds * 1000)
