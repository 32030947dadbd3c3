"""The check after a row: nothing is lost, faults explain everything extra, and no secret is in any log."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from redis.asyncio import Redis

from shared.store import keyspace, ledger
from shared.store.keyspace import Team
from tests.faults.parts.callers import CANARY
from tests.faults.story import Fault, Story
from tests.installation import TOKEN
from tests.target import Received

STATES = ("pending", "processing", "completed", "failed", "retrying", "dead_lettered")
ENDED = STATES[2:]
LATE_MS = 1000
EXECUTIONS = """
local P, team, known, rows = KEYS[1], ARGV[1], {}, {}
local lists = P .. 'x:' .. team .. ':executions'
for i = 2, #ARGV do
    for _, state in ipairs({ 'pending', 'processing', 'completed', 'failed', 'skipped' }) do
        for _, id in ipairs(redis.call('ZRANGE', P .. 'x:' .. team .. ':c' .. ARGV[i] .. ':' .. state, 0, -1)) do known[id] = true end
    end
end
for _, of in ipairs({ '', ':failed', ':skipped', ':late' }) do
    for _, id in ipairs(redis.call('ZRANGE', lists .. of, 0, -1)) do known[id] = true end
end
for id in pairs(known) do
    local row = redis.call('HMGET', P .. 'e:' .. team .. ':' .. id, 'state', 'due', 'created', 'backfill')
    for i = 1, 4 do row[i] = row[i] or '' end
    for _, of in ipairs({ '', ':failed', ':skipped', ':late' }) do row[#row + 1] = redis.call('ZSCORE', lists .. of, id) or '' end
    rows[#rows + 1] = { id, unpack(row) }
end
return rows
"""
"""The executions that records or lists know: id, state, moment, when it was made, its backfill, where it is listed."""
FRESH_SECONDS = 30.0
"""A fault explains the repeat of a delivery that began at most this long before it."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What the target saw of each job, in seconds from the start of the row."""

    of_job: dict[int, list[float]]
    keys: dict[int, set[str]]
    jobs_of_tag: dict[str, set[int]]

    @property
    def extra(self) -> list[tuple[int, float, float]]:
        """A job, its delivery before, and the extra one."""
        return [
            (job, before, after)
            for job, moments in self.of_job.items()
            for before, after in pairwise(moments)
        ]


def deliveries(received: Iterable[Received], began: float) -> Deliveries:
    """By job of the first team; executions, callbacks and jobs marked as another team's are not counted."""
    seen = Deliveries(defaultdict(list), defaultdict(set), defaultdict(set))
    for request in received:
        if "Recuro-Job-Id" not in request.headers or "X-Other-Team" in request.headers:
            continue
        job = int(request.headers["Recuro-Job-Id"])
        seen.of_job[job].append(request.at - began)
        seen.keys[job].add(request.headers.get("Idempotency-Key", ""))
        if request.headers["Recuro-Attempt"] == "1" and "X-Tag" in request.headers:
            seen.jobs_of_tag[request.headers["X-Tag"]].add(job)
    return seen


def fires(received: Iterable[Received]) -> dict[tuple[str, str], set[str]]:
    """The executions that the target saw for each cron and nominal moment; there should be one each."""
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for request in received:
        if cron := request.headers.get("Recuro-Cron-Id"):
            moment = request.headers["Recuro-Scheduled-At"]
            seen[cron, moment].add(request.headers["Idempotency-Key"])
    return seen


async def ids_in(redis: Redis, team: Team, states: Iterable[str]) -> set[int]:
    """The jobs of a team that are in any of these states."""
    found: set[int] = set()
    for state in states:
        found |= {int(job) for job in await redis.zrange(f"{team.prefix}x:{team.id}:{state}", 0, -1)}
    return found


async def all_ended(redis: Redis, team: Team, seconds: float) -> None:
    """Wait until nothing is pending or processing; AssertionError with the ledger after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        counts = [await ledger.read(redis, team, noun) for noun in ("job", "execution")]
        if all(one.pending == one.processing == 0 for one in counts):
            return
        assert time.monotonic() < deadline, f"not all ended within {seconds:.0f} s: {counts}"
        await asyncio.sleep(0.2)  # a poller, slower than usual: every look is a script


async def all_ended_jobs(redis: Redis, team: Team, seconds: float) -> None:
    """The same for jobs only: crons may go on."""
    deadline = time.monotonic() + seconds
    while True:
        counts = await ledger.read(redis, team)
        if counts.pending == counts.processing == 0:
            return
        assert time.monotonic() < deadline, f"not all ended within {seconds:.0f} s: {counts}"
        await asyncio.sleep(0.2)  # a poller, slower than usual: every look is a script


async def indexes_agree(redis: Redis, team: Team) -> None:
    """The ledger's columns match the indexes that they count, read at one instant as pruning may go on."""
    async with redis.pipeline() as together:
        together.hgetall(keyspace.ledger(team))
        for state in STATES:
            together.zcard(f"{team.prefix}x:{team.id}:{state}")
        counts, pending, processing, completed, *failed = await together.execute()
    sizes = {"pending": pending, "processing": processing, "completed": completed, "failed": sum(failed)}
    counted = {state: int(counts.get(f"job.{state}", 0)) for state in sizes}
    assert counted == sizes, f"the ledger counts {counted}, the indexes have {sizes}"


async def crons_of(redis: Redis, team: Team) -> list[str]:
    """The ids of its crons."""
    return [
        cron
        for state in ("active", "paused")
        for cron in await redis.zrange(f"{team.prefix}x:{team.id}:crons:{state}", 0, -1)
    ]


async def lists_agree(redis: Redis, team: Team) -> None:
    """The lists of the executions of all crons have each at its moment, and no other; read at one instant."""
    crons = await crons_of(redis, team)
    rows = await redis.eval(EXECUTIONS, 1, team.prefix, str(team.id), *crons)  # type: ignore[misc]
    wrong = []
    for execution, state, due, created, of_backfill, *listed in rows:
        there = bool(state) and bool(due)
        is_late = there and not of_backfill and float(created) - float(due) > LATE_MS and state != "skipped"
        wanted = [there, state == "failed", state == "skipped", is_late]
        if listed != [due if one else "" for one in wanted]:
            wrong.append((execution, state, due, listed))
    assert not wrong, f"{len(wrong)} executions are listed wrong: {wrong[:5]}"


async def check(
    redis: Redis, team: Team, acknowledged: set[int], keyed: set[str], seen: Deliveries, story: Story
) -> None:
    """Every acknowledged job ended, and the target saw all that are completed; `keyed` are tags."""
    lost = acknowledged - await ids_in(redis, team, ENDED)
    unseen = await ids_in(redis, team, ["completed"]) - set(seen.of_job)
    assert not lost, f"{len(lost)} acknowledged jobs did not end: {sorted(lost)[:10]}"
    assert not unseen, f"{len(unseen)} completed jobs never arrived: {sorted(unseen)[:10]}"
    twice = {tag: jobs for tag, jobs in seen.jobs_of_tag.items() if tag in keyed and len(jobs) > 1}
    assert not twice, f"an Idempotency-Key made more than one job: {twice}"
    restless = {job: keys for job, keys in seen.keys.items() if len(keys) > 1}
    assert not restless, f"a repeated delivery has another Idempotency-Key: {restless}"
    story.figures |= {"jobs": len(acknowledged), "delivered": sum(map(len, seen.of_job.values()))}
    explain(seen, story)


def explain(seen: Deliveries, story: Story) -> None:
    """Each extra delivery has a fault between it and the one before; raises AssertionError."""
    unexplained = []
    for job, before, after in seen.extra:
        reason = next((fault for fault in story.faults if _explains(fault, before, after)), None)
        if reason:
            reason.explained += 1
        else:
            unexplained.append((job, round(before, 2), round(after, 2)))
    story.figures["repeats"] = len(seen.extra)
    assert not unexplained, f"{len(unexplained)} extra deliveries without a reason: {unexplained[:10]}"


def _explains(fault: Fault, before: float, after: float) -> bool:
    return (
        fault.repeats
        and before - 1 <= fault.until
        and fault.at - FRESH_SECONDS <= before
        and fault.at <= after
    )


def no_secrets(folder: Path) -> None:
    """Neither the token nor the canary header is in any log."""
    for log in folder.rglob("*.log"):
        text = log.read_text(errors="replace")
        for secret in (TOKEN, CANARY):
            assert secret not in text, f"{log.name} shows {secret!r}"
