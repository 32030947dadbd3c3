"""What the doctor finds about the clock of the installation."""

from redis.asyncio import Redis

from services.cli.findings import Finding
from shared import keyspace, moments
from shared.moments import Present

AGREE_MS = 2000
_OUT = "that is taken out, and time goes on as it should: set it right"
_NOBODY = (
    "clock: no scheduler vouches for it, so that nothing falls due: "
    "is one running, or did the clock of Redis jump within the last 30 s?"
)


async def examine(redis: Redis) -> list[Finding]:
    return [finding for shard in keyspace.SHARDS for finding in _clock(await moments.read(redis, shard))]


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


def _right(seen: Present) -> str:
    if not seen.witnesses:
        return "clock: no scheduler has looked at it lately"
    most = max(abs(one.ahead_ms) for one in seen.witnesses)
    s = "" if len(seen.witnesses) == 1 else "s"
    return f"clock: Redis and {len(seen.witnesses)} scheduler{s} agree within {most} ms"


def _said(ahead_ms: int) -> str:
    return f"{abs(ahead_ms) / 1000:.1f} s {'ahead' if ahead_ms > 0 else 'behind'}"
