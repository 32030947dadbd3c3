"""A clock that jumps under the scripts: the moment that was last vouched for, and what they take for the present."""

from datetime import datetime

from redis.asyncio import Redis

from shared import clock
from shared.store import keyspace

SHARD = keyspace.SHARDS[0]
AHEAD_MS = 5000
"""As in `shared/store/lua/lib/call/ledger.lua`."""


async def vouch(redis: Redis, now_ms: int) -> None:
    """As a scheduler does that looks at the clock and believes it."""
    await redis.set(keyspace.trusted_until(SHARD), now_ms + AHEAD_MS)


async def let_it_be(redis: Redis, at: datetime) -> None:
    """The clock of the installation goes on from that moment."""
    seconds, microseconds = await redis.time()
    real_ms = 1000 * seconds + microseconds // 1000
    await redis.set(keyspace.correction(SHARD), clock.milliseconds(at) - real_ms)
