"""What the tests of accounts have: real Redis, and passwords that are hashed with little memory."""

from dataclasses import replace

import pytest
from argon2 import PasswordHasher
from redis.asyncio import Redis

from shared.actions.accounts.visits import Accounts, Visitor
from shared.security.passwords import Passwords
from shared.settings import Settings
from tests.calls import VAULT


@pytest.fixture
def having(redis: Redis, settings: Settings) -> Accounts:
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    return replace(Accounts.of(redis, VAULT, settings), passwords=passwords)


@pytest.fixture
def visitor() -> Visitor:
    return Visitor("192.0.2.7", "Firefox", request_id="r-7")
