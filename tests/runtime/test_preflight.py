from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from anyio.to_thread import run_sync
from redis.asyncio import Redis

from services.cli import embedded
from shared.errors import Unfit
from shared.runtime import preflight
from shared.runtime.preflight import require_fit
from shared.runtime.steadily import Troubles, beside
from shared.security.vault import Vault
from shared.settings import Settings
from shared.store import account_keys, connection
from tests.conftest import VAULT
from tests.poll import until
from tests.refusing import denying

NEW, OLD, OTHER = "the-new-key-" + 32 * "n", "the-old-key-" + 32 * "o", "another-key-" + 32 * "x"


@pytest.fixture
async def evicting(redis: Redis) -> AsyncIterator[None]:
    await redis.config_set("maxmemory-policy", "allkeys-lru")
    yield
    await redis.config_set("maxmemory-policy", "noeviction")


@pytest.mark.usefixtures("evicting")
async def test_a_redis_that_evicts_is_refused_by_name(settings: Settings) -> None:
    with pytest.raises(SystemExit, match=r"RECURO_REDIS_URL.*allkeys-lru.*noeviction"):
        await run_sync(require_fit, settings)


def test_a_fit_redis_passes(settings: Settings) -> None:
    require_fit(settings)


def test_a_redis_that_is_away_is_not_judged() -> None:
    require_fit(Settings(redis_url="unix:///nowhere/redis.sock"))


async def test_a_redis_whose_secrets_another_key_sealed_is_refused(redis: Redis, settings: Settings) -> None:
    await run_sync(require_fit, settings, VAULT)

    await run_sync(require_fit, settings, VAULT)
    with pytest.raises(SystemExit, match="RECURO_ENCRYPTION_KEY"):
        await run_sync(require_fit, settings, Vault(OTHER))


async def test_every_key_that_ever_sealed_something_must_be_there(redis: Redis) -> None:
    await preflight.check(redis, Vault(OLD))
    await preflight.check(redis, Vault(NEW, OLD))

    await preflight.check(redis, Vault(OLD, NEW))
    for keys in ((OLD,), (NEW,), (OLD, OTHER)):
        with pytest.raises(Unfit, match="lacks a key"):
            await preflight.check(redis, Vault(*keys))


async def test_the_keys_of_an_older_version_count_too(redis: Redis) -> None:
    await redis.set(account_keys.sealed(), Vault(OLD).seal("recuro", "check"))

    await preflight.check(redis, Vault(NEW, OLD))
    with pytest.raises(Unfit):
        await preflight.check(redis, Vault(NEW))


async def test_a_user_that_may_not_ask_is_one_line_with_the_remedy(redis: Redis, settings: Settings) -> None:
    user = ("SETUSER", "blind", "on", ">hidden", "~*", "&*", "+@all", "-info")
    await redis.execute_command("ACL", *user)  # type: ignore[no-untyped-call]
    url = settings.redis_url.replace("unix://", "unix://blind:hidden@")

    with pytest.raises(SystemExit, match=r"RECURO_REDIS_URL.*INFO.*\+info"):
        await run_sync(require_fit, Settings(redis_url=url))


async def test_a_password_that_is_refused_is_said_to_be(
    redis: Redis, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    url = settings.redis_url.replace("unix://", "unix://nobody:hidden@")

    await run_sync(require_fit, Settings(redis_url=url))

    said = capsys.readouterr().out
    assert "refuses this user or password" in said
    assert "hidden" not in said


async def test_a_service_is_red_no_longer_than_its_redis_is_away(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "LOOK_SECONDS", 0.05)
    troubles = Troubles()

    async def is_red() -> bool:
        return bool(troubles.sentences)

    async def is_well() -> bool:
        return not troubles.sentences

    async with beside(preflight.CHECKING, lambda: preflight.keep_fit(redis, fit=troubles.over), troubles):
        async with denying(redis, "info"):
            await until(is_red)
        await until(is_well)


async def test_another_redis_behind_the_address_is_checked_again(
    redis: Redis, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "LOOK_SECONDS", 0.05)
    address, troubles = tmp_path / "redis.sock", Troubles()
    address.symlink_to(settings.redis_url.removeprefix("unix://"))

    async def is_red() -> bool:
        return any("noeviction" in said for said in troubles.sentences.values())

    async with (
        connection.connect(Settings(redis_url=f"unix://{address}")) as client,
        beside(preflight.CHECKING, lambda: preflight.keep_fit(client), troubles),
    ):
        await client.ping()
        assert not troubles.sentences
        other = embedded.start(tmp_path / "other")
        try:
            async with connection.connect(Settings(redis_url=other.url)) as its_own:
                await its_own.config_set("maxmemory-policy", "allkeys-lru")
            address.unlink()
            address.symlink_to(other.url.removeprefix("unix://"))
            await redis.client_kill_filter(_type="normal", skipme=True)
            await until(is_red)
        finally:
            other.stop()
