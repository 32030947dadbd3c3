"""A caller's idempotency key: a write that was done under it is not done again."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from shared.store.keyspace import Team

DIGEST_CHARACTERS = 32
KEY = re.compile(r"[!-~]{1,255}")


@dataclass(slots=True)
class IdempotencyKey:
    """The key as it was given, and digests of the request under it (`Vault.digests`)."""

    team: Team
    text: str
    digest: str
    """By the oldest encryption key, so that a process from before a rotation knows it too."""
    newer: tuple[str, ...] = ()
    """By each newer key: only these are known once the oldest key is removed."""
    was_used: bool = False
    """Whether the write had been done under the key before."""

    @classmethod
    def of(cls, team: Team, text: str, digests: Sequence[str]) -> "IdempotencyKey":
        """The key for a request with these digests; the oldest encryption key's comes first."""
        return cls(team, text, digests[0], tuple(digests[1:]))

    def name(self, step: int = 0) -> str:
        """The name of its record below a prefix; a write of several transitions has as many steps."""
        digest = hashlib.sha256(f"{self.text}\n{step}".encode()).hexdigest()
        return f"i:{self.team.id}:{digest[:DIGEST_CHARACTERS]}"
