"""What the tests of accounts have: real Redis, and passwords that are hashed with little memory."""

from dataclasses import replace

import pytest
from argon2 import PasswordHasher
from redis.asyncio import Redis

from shared.actions.accounts.visits import Accounts, Brakes, Visitor
from shared.security.passwords import Passwords
from shared.settings import Settings
from tests.calls import VAULT


@pytest.fixture
def having(redis: Redis, settings: Settings) -> Accounts:
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    brakes = Brakes(lambda: 0.0)  # nobody may try once more because a test is slow
    return replace(Accounts.of(redis, VAULT, settings), passwords=passwords, brakes=brakes)


@pytest.fixture
def visitor() -> Visitor:
    return Visitor("192.0.2.7", "Firefox", request_id="r-7")
