"""The doctor's findings about the clock of the installation, and whether crons keep to it."""

from datetime import timedelta

from redis.asyncio import Redis

from services.cli.findings import Finding
from shared import clock
from shared.store import keyspace, moments
from shared.store.care import overdue, retention, watchdog
from shared.store.moments import Present

AGREE_MS = 2000
SHOWN = timedelta(minutes=10)
"""How long a repair is reported."""
_OUT = "that is taken out, and time goes on as it should: set it right"
_LET_GO = "if clock and settings are right, `recuro retention --confirm` lets it go now"
_NOBODY = (
    "clock: no scheduler vouches for it, so that nothing falls due: "
    "is one running, or did the clock of Redis jump within the last 30 s?"
)


async def examine(redis: Redis) -> list[Finding]:
    found: list[Finding] = []
    for shard in keyspace.SHARDS:
        seen = await moments.read(redis, shard)
        found += [*_clock(seen), *await _crons(redis, shard, seen), *await _retention(redis, shard)]
    return found


def _clock(seen: Present) -> list[Finding]:
    found = []
    if seen.correction_ms:
        found.append(Finding(False, f"clock: that of Redis is {_said(-seen.correction_ms)}; {_OUT}"))
    if seen.was_vouched and not seen.is_vouched:
        found.append(Finding(False, _NOBODY))
    for one in seen.witnesses:
        if abs(one.ahead_ms) > AGREE_MS:
            text = f"clock: that of scheduler {one.name} is {_said(one.ahead_ms)}: set it right"
            found.append(Finding(False, text))
    return found or [Finding(True, _right(seen))]


async def _crons(redis: Redis, shard: str, seen: Present) -> list[Finding]:
    """Findings about overdue crons, and about crons that the schedulers lately rescheduled."""
    found, watched = [], await watchdog.read(redis, shard)
    late = (await overdue.seconds(redis, shard))["cron"]
    if late > overdue.LATE_SECONDS:
        found.append(Finding(False, f"crons: one should have fired {late:.0f} s ago: does a scheduler run?"))
    if watched and watched.moved_at and clock.moment(seen.now_ms) - watched.moved_at < SHOWN:
        at = watched.moved_at.isoformat(timespec="seconds")
        found.append(Finding(False, f"crons: the next fire of {watched.moved} was too late; mended at {at}"))
    return found


async def _retention(redis: Redis, shard: str) -> list[Finding]:
    waiting = await retention.waiting(redis, shard)
    if not waiting:
        return []
    shown = ", ".join(one.what for one in waiting[:10]) + (", …" if len(waiting) > 10 else "")
    until = max(one.until for one in waiting).isoformat(timespec="minutes")
    text = f"retention: nearly all history of {shown} became too old at once, and stays until {until}"
    return [Finding(False, f"{text}; {_LET_GO}")]


def _right(seen: Present) -> str:
    if not seen.witnesses:
        return "clock: no scheduler has looked at it lately"
    most = max(abs(one.ahead_ms) for one in seen.witnesses)
    s = "" if len(seen.witnesses) == 1 else "s"
    return f"clock: Redis and {len(seen.witnesses)} scheduler{s} agree within {most} ms"


def _said(ahead_ms: int) -> str:
    return f"{abs(ahead_ms) / 1000:.1f} s {'ahead' if ahead_ms > 0 else 'behind'}"
