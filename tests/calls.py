"""Calls of operations, as an interface makes them for a caller."""

from redis.asyncio import Redis

from shared.operations import Call
from shared.security.caller import Caller
from shared.security.vault import Vault
from shared.store.idempotency import IdempotencyKey
from shared.store.keyspace import Team

KEY = "the-key-of-the-tests-0123456789-abcdef"
VAULT = Vault(KEY)


def call_of(
    redis: Redis,
    team: Team,
    key: IdempotencyKey | None = None,
    *,
    vault: Vault = VAULT,
    caller: Caller | None = None,
) -> Call:
    """A call by an admin of the team, or by that caller."""
    caller = caller or Caller(team, frozenset({"admin"}))
    return Call(caller, redis, vault, "rest", "test", "", key)
