"""/healthz and /readyz, without a token"""

from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.api.routing import at
from shared import health, keyspace, moments
from shared.store import OutcomeUnknown

OVERDUE_SECONDS = 60


async def live(_request: Request) -> Response:
    return JSONResponse({"status": "live"})


async def ready(request: Request) -> Response:
    """Redis takes a write, and nothing waits for a scheduler; 503 with the reason otherwise."""
    redis: Redis = request.state.redis
    if troubles := request.state.troubles.sentences:
        return JSONResponse({"error": "; ".join(troubles.values())}, 503)
    await health.require_writable(redis)
    try:
        await health.beat(redis, "api")
    except OutcomeUnknown as error:  # nobody asked for this write: why it failed is all there is to say
        raise error.__cause__ or error from None
    late = max([await overdue_seconds(redis, shard) for shard in keyspace.SHARDS])
    if late > OVERDUE_SECONDS:
        return JSONResponse({"error": f"Work is overdue by {late:.0f} s: is a scheduler running?"}, 503)
    return JSONResponse({"status": "ready"})


async def overdue_seconds(redis: Redis, shard: str) -> float:
    """How long ago the oldest waiting job or cron should have started, by the installation's clock."""
    async with redis.pipeline(transaction=False) as pipe:
        moments.join(pipe, shard)
        pipe.zrange(keyspace.due(shard), 0, 0, withscores=True)
        pipe.zrange(keyspace.crons(shard), 0, 0, withscores=True)
        time, correction, *oldest = await pipe.execute()
    now = moments.of((time, correction)).timestamp()
    return now - min([now, *(float(score) / 1000 for rows in oldest for _, score in rows)])


routes = [
    at("/healthz", GET=live),
    at("/readyz", GET=ready),
]
