"""What it runs on: figures for people, and what is wrong with it."""

from collections.abc import Iterator
from typing import NamedTuple

from services.api.pages import words
from services.api.pages.crons import saying
from services.api.pages.work.words import span
from shared.runtime.durability import MEMORY
from shared.runtime.installation import Installation
from shared.store.care.overdue import LATE_SECONDS
from shared.store.care.shortage import REMEDY, Shortage

APART_MS = 2000
"""As far as clocks may differ."""


class Fault(NamedTuple):
    """A sentence that says what is wrong, and one that says what follows."""

    title: str
    said: str


class Figure(NamedTuple):
    name: str
    value: str
    below: str
    tone: str = ""


def faults(known: Installation, crons: int, waiting: int) -> Iterator[Fault]:
    """What keeps it from working, worst first; a team with nothing to do misses nobody."""
    if not known.processes["scheduler"] and crons:
        yield Fault("No scheduler runs", "Crons do not fire, and nothing that is due later starts.")
    if not known.processes["worker"] and (crons or waiting):
        yield Fault("No worker runs", "Nothing is sent until one does; it waits meanwhile.")
    for sentence in known.storage.faults:
        yield Fault("Redis cannot write", f"{sentence[:1].upper()}{sentence[1:]}.")
    if known.storage.durability == MEMORY:
        yield Fault("Redis keeps nothing on disk", "A crash loses everything: set appendonly yes.")
    if known.storage.policy not in ("noeviction", "unknown"):
        said = f"Its policy {known.storage.policy} drops jobs when memory is short; set noeviction."
        yield Fault("Redis may drop jobs", said)
    if known.storage.shortage is not Shortage.ROOM:
        said = f"{known.storage.share:.0%} of maxmemory is used: {known.storage.shortage.effect}; {REMEDY}."
        yield Fault("Redis is short of memory", said)
    yield from _times(known)
    if known.troubled:
        are = "process is" if known.troubled == 1 else "processes are"
        yield Fault(f"{words.number(known.troubled)} {are} in trouble", "`recuro doctor` says with what.")


def _times(known: Installation) -> Iterator[Fault]:
    if known.clock.was_vouched and not known.clock.is_vouched and known.processes["scheduler"]:
        yield Fault("Nobody vouches for the clock", "Nothing falls due until a scheduler does.")
    if abs(known.clock.correction_ms) > APART_MS:
        off = saying.late(abs(known.clock.correction_ms))
        side = "behind" if known.clock.correction_ms > 0 else "ahead"
        yield Fault(f"The clock of Redis is {off} {side}", "That is taken out; set it right.")
    if apart(known) > APART_MS:
        said = f"By {saying.late(apart(known))}: set the clocks of their hosts right."
        yield Fault("The clocks of schedulers differ from that of Redis", said)
    if known.overdue_seconds > LATE_SECONDS:
        said = f"The oldest should have started {span(known.overdue_seconds)} ago."
        yield Fault("Work waits for a scheduler", said)


def apart(known: Installation) -> int:
    """How far the clocks of schedulers are from that of Redis, at most (ms)."""
    return max((abs(one.ahead_ms) for one in known.clock.witnesses), default=0)


def figures(known: Installation) -> list[Figure]:
    """In short, for the overview."""
    kept = known.storage.durability.partition(" (")[0]
    below = f"{kept} · {known.storage.policy}"
    return [*processes(known), Figure(known.storage.product, memory(known), below)]


def processes(known: Installation) -> list[Figure]:
    workers, schedulers = known.processes["worker"], known.processes["scheduler"]
    agree = f"clocks agree within {apart(known):,} ms" if known.clock.witnesses else "nobody compares clocks"
    return [
        Figure("Schedulers", f"{schedulers} alive", agree, "" if schedulers else "bad"),
        Figure("Workers", f"{workers} alive", "reported within 30 s", "" if workers else "bad"),
    ]


def storage(known: Installation) -> list[Figure]:
    """Redis in full."""
    kept, _, why = known.storage.durability.partition(" (")
    most = known.storage.most_bytes
    share = f"{known.storage.share:.0%} of {megabytes(most)}" if most else "without a limit"
    policy = known.storage.policy
    return [
        Figure("Runs on", known.storage.product, "keeps everything"),
        Figure("Memory", memory(known), share, "bad" if known.storage.shortage is not Shortage.ROOM else ""),
        Figure("Durability", kept, why.rstrip(")"), "bad" if known.storage.durability == MEMORY else ""),
        Figure(
            "When memory is short", policy, "nothing is dropped" if policy == "noeviction" else "jobs may go"
        ),
    ]


def memory(known: Installation) -> str:
    return megabytes(known.storage.used_bytes)


def megabytes(count: int) -> str:
    """2.1 MB, 212 MB, 3.4 GB."""
    if count >= 1_000_000_000:
        return f"{count / 1_000_000_000:.1f} GB"
    return f"{count / 1_000_000:.1f} MB" if count < 10_000_000 else f"{count / 1_000_000:.0f} MB"
