"""What the worker's one function works with."""

from dataclasses import dataclass

from redis.asyncio import Redis

from services.worker.delivery import Sender
from shared.vault import Vault


@dataclass(frozen=True, slots=True)
class Reach:
    """The store, the way to the street, and the secrets of whoever asked."""

    redis: Redis
    sender: Sender
    vault: Vault
