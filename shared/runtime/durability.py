"""What a crash or a power cut would take from a Redis, in words."""

from collections.abc import Mapping

from redis.asyncio import Redis
from redis.exceptions import RedisError

STANDARD = (
    "standard (AOF everysec: a power cut, or a crash of Redis while its disk is busy, may lose up to 2 s)"
)
STRICT = "strict (AOF always: what was answered is on disk)"
LAX = "lax (AOF, but the system decides when to write: a power cut may lose up to about 30 s)"
SNAPSHOTS = "snapshots only (a crash loses what came after the last one: set appendonly yes)"
MEMORY = "none (memory only, a crash loses everything: set appendonly yes)"
AOF = {"everysec": STANDARD, "always": STRICT, "no": LAX}


async def durability(redis: Redis) -> str:
    """What a crash or a power cut would lose; a hosted Redis may not report it."""
    info: dict[str, object] = await redis.info("persistence")
    try:
        config: Mapping[str, str] = await redis.config_get("appendfsync", "save")  # type: ignore[arg-type]
    except RedisError:
        config = {}
    if str(info.get("aof_enabled")) == "1":
        return AOF.get(config.get("appendfsync", ""), "AOF, and the server does not tell how often it writes")
    if "save" not in config:
        return "unknown, the server does not tell: ask its provider"
    return SNAPSHOTS if config["save"] else MEMORY
