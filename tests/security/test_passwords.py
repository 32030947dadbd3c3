"""Passwords: what is kept of them, how many are hashed at once, and which are refused."""

import asyncio
import threading

import pytest
from argon2 import PasswordHasher

from shared.errors import Invalid
from shared.security import commonest, passwords
from shared.security.passwords import Passwords

GOOD = (
    "seven otters knit",
    "correct horse battery staple",
    "Tr4ktor-und-Birnenmus",
    "xK9#vQ2!mZ7pL",
    "ладья едет домой",
)
COMMON = (
    *("password12", "Password123!", "p@ssw0rd2024", "passwordpassword", "Passwort2026!"),
    *("1234567890", "0987654321", "1111111111", "1212121212", "abcabcabcabc", "abcdefghij", "9876543210123"),
    *("qwertyuiop", "QWERTYUIOP123", "asdfghjkl1", "1q2w3e4r5t", "1qaz2wsx3edc", "qwertz12345", "zxcvbnm123"),
    *("iloveyou12", "ILoveYou!!", "letmein2024", "administrator", "admin123456", "welcome2026!", "Summer2026!"),
    *("dragonmonkey", "sunshine99", "michaeljordan", "trustno1234", "1password1", "changeme123", "football2020"),
)  # fmt: skip


@pytest.mark.parametrize("password", COMMON)
def test_what_is_tried_first_is_refused(password: str) -> None:
    with pytest.raises(Invalid, match=r"tried first; take another\.") as refused:
        passwords.check(password, "ada@example.com", "Ada")

    assert refused.value.field == "password"
    assert password not in str(refused.value)


@pytest.mark.parametrize("password", GOOD)
def test_others_are_taken(password: str) -> None:
    passwords.check(password, "ada@example.com", "Ada")

    assert not commonest.is_common(password)


@pytest.mark.parametrize("password", ["short", "nine char", "x" * 201])
def test_a_password_has_bounds(password: str) -> None:
    with pytest.raises(Invalid, match=r"10 characters or more|200 characters at most"):
        passwords.check(password)


@pytest.mark.parametrize(
    "password", ["ada.lovelace@example.com", "AdaLovelace1843", "ada.lovelace!", "Countess of L!"]
)
def test_what_is_made_of_the_user_is_refused(password: str) -> None:
    with pytest.raises(Invalid, match="made of your address or name"):
        passwords.check(password, "ada.lovelace@example.com", "Countess of L")


async def test_a_password_is_kept_as_argon2id_and_proved_by_itself_alone() -> None:
    hashes = Passwords()

    stored = await hashes.hashed("seven otters knit")

    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await hashes.is_right(stored, "seven otters knit")
    assert not await hashes.is_right(stored, "seven otters knits")
    assert not await hashes.is_right("no hash", "seven otters knit")
    assert stored != await hashes.hashed("seven otters knit")


async def test_the_same_characters_typed_in_another_way_are_the_same_password() -> None:
    hashes = Passwords()

    stored = await hashes.hashed("caf\u00e9 with nine cats")

    assert await hashes.is_right(stored, "cafe\u0301 with nine cats")


class Counted(PasswordHasher):
    """Counts what is verified, and how many at once."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str] = []
        self.most = self._now = 0
        self._lock = threading.Lock()

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
        with self._lock:
            self.verified.append(str(hash))
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            return super().verify(hash, password)
        finally:
            with self._lock:
                self._now -= 1


async def test_of_nobody_a_password_is_verified_too_and_never_right() -> None:
    hasher = Counted()
    hashes = Passwords(hasher)

    assert not await hashes.is_right(None, "seven otters knit")
    assert not await hashes.is_right("", "seven otters knit")

    assert [one.startswith("$argon2id$") for one in hasher.verified] == [True, True]


async def test_no_more_are_verified_at_once_than_memory_is_meant_for() -> None:
    hasher = Counted()
    hashes = Passwords(hasher, at_once=2)
    stored = await hashes.hashed("seven otters knit")

    right = await asyncio.gather(*(hashes.is_right(stored, "seven otters knit") for _ in range(20)))

    assert all(right)
    assert 1 <= hasher.most <= 2


async def test_of_what_is_too_long_no_more_is_read() -> None:
    hashes = Passwords(Counted())
    stored = await hashes.hashed("x1" * 100)

    assert await hashes.is_right(stored, "x1" * 100)
    assert not await hashes.is_right(stored, "x1" * 500_000)


async def test_a_hash_of_other_parameters_is_outdated() -> None:
    old = await Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)).hashed(
        "seven otters knit"
    )

    assert Passwords().is_outdated(old)
    assert not Passwords().is_outdated(await Passwords().hashed("seven otters knit"))
