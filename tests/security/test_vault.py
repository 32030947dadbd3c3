import asyncio
from pathlib import Path

import pytest

from shared.security import vault
from shared.security.vault import KEY_FILE, MASK, Unsealable, Vault
from shared.settings import Settings

HERE = "https://a.example:443"
OLD, NEW = "an-old-key-of-more-than-thirty-two-letters", "a-new-key-of-more-than-thirty-two-letters"


def test_what_is_sealed_opens_in_its_place_only() -> None:
    keys = Vault(OLD)

    sealed = keys.seal("Bearer s3cret", 1, "header", "authorization")

    assert "s3cret" not in sealed
    assert keys.open(sealed, 1, "header", "authorization") == "Bearer s3cret"
    for place in ((2, "header", "authorization"), (1, "header", "cookie"), (1,)):
        with pytest.raises(Unsealable):
            keys.open(sealed, *place)


def test_the_same_secret_is_sealed_the_same_so_that_a_repeat_is_found_equal() -> None:
    assert Vault(OLD).seal("a", 1) == Vault(OLD).seal("a", 1) != Vault(OLD).seal("a", 2)


def test_an_old_key_after_the_new_one_still_opens() -> None:
    before, changed = Vault(OLD), Vault(NEW, OLD)

    assert changed.open(before.seal("a", 1), 1) == "a"
    assert Vault(NEW).open(changed.seal("a", 1), 1) == "a"
    with pytest.raises(Unsealable):
        Vault(NEW).open(before.seal("a", 1), 1)


@pytest.mark.parametrize("damage", ["\0", "\0AAAA", "\0not base64", "plain"])
def test_what_was_damaged_is_said_to_be_unreadable(damage: str) -> None:
    with pytest.raises(Unsealable, match="RECURO_ENCRYPTION_KEY"):
        Vault(OLD).open(damage, 1)


@pytest.mark.parametrize(
    "name",
    ["Authorization", "COOKIE", "X-Api-Key", "x-access-token", "Client-Secret", "Ocp-Apim-Subscription-Key"],
)
def test_headers_that_hold_secrets_are_sealed_and_masked(name: str) -> None:
    keys, headers = Vault(OLD), {name: "s3cret", "Accept": "text/plain"}

    sealed = keys.seal_headers(headers, 1, HERE)

    assert "s3cret" not in str(sealed)
    assert sealed["Accept"] == "text/plain"
    assert vault.masked(sealed) == vault.masked(headers) == {name: MASK, "Accept": "text/plain"}
    assert keys.open_headers(sealed, 1, HERE) == headers


def test_a_header_opens_for_the_origin_alone_that_it_was_sealed_for() -> None:
    keys = Vault(OLD)

    sealed = keys.seal_headers({"Cookie": "s3cret"}, 1, HERE)

    assert keys.seal_headers(sealed, 1, "https://b.example:443") == sealed
    for other in ("https://b.example:443", "http://a.example:443", "https://a.example:8443", ""):
        with pytest.raises(Unsealable):
            keys.open_headers(sealed, 1, other)


def test_a_header_that_was_sealed_before_there_were_origins_still_opens() -> None:
    keys = Vault(OLD)

    sealed = {"Cookie": keys.seal("s3cret", 1, "header", "cookie")}

    assert keys.open_headers(sealed, 1, HERE) == {"Cookie": "s3cret"}


def test_a_key_is_made_once_and_found_again(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", encryption_key=None)

    sealed = vault.load(settings).seal("a", 1)

    assert vault.load(settings).open(sealed, 1) == "a"
    assert (tmp_path / "data" / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == [KEY_FILE]


async def test_services_that_start_at_once_agree_on_the_key(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, encryption_key=None)

    vaults = await asyncio.gather(*(asyncio.to_thread(vault.load, settings) for _ in range(16)))

    assert len({each.seal("a", 1) for each in vaults}) == 1


def test_without_a_key_and_a_place_for_one_the_start_ends_with_a_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SystemExit, match=r"RECURO_ENCRYPTION_KEY is required.*encryption\.key"):
        vault.load(Settings(data_dir=tmp_path / "file", encryption_key=None))
