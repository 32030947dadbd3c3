import pytest
from anyio.to_thread import run_sync
from redis.asyncio import Redis

from shared.durability import require_fit
from shared.settings import Settings
from shared.vault import Vault
from tests.conftest import VAULT


async def test_a_redis_that_evicts_is_refused_by_name(
    redis: Redis, settings: Settings, anyio_backend: str
) -> None:
    await redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(SystemExit, match=r"RECURO_REDIS_URL.*allkeys-lru.*noeviction"):
            await run_sync(require_fit, settings)
    finally:
        await redis.config_set("maxmemory-policy", "noeviction")


def test_a_fit_redis_passes(settings: Settings) -> None:
    require_fit(settings)


def test_a_redis_that_is_away_is_not_judged() -> None:
    require_fit(Settings(redis_url="unix:///nowhere/redis.sock"))


async def test_a_redis_whose_secrets_another_key_sealed_is_refused(redis: Redis, settings: Settings) -> None:
    other = Vault("another-key-of-more-than-thirty-two-letters")
    await run_sync(require_fit, settings, VAULT)

    await run_sync(require_fit, settings, VAULT)
    with pytest.raises(SystemExit, match="RECURO_ENCRYPTION_KEY"):
        await run_sync(require_fit, settings, other)
