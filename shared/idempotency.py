"""A caller's key for one write: what was done under it is not done again."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from shared.keyspace import Team

DIGEST_CHARACTERS = 32
KEY = re.compile(r"[!-~]{1,255}")


@dataclass(slots=True)
class IdempotencyKey:
    """The key as it was given, and digests of what is asked under it (`Vault.digests`)."""

    team: Team
    text: str
    asked: str
    """With the oldest encryption key, so that a process from before a rotation knows it too."""
    newer: tuple[str, ...] = ()
    """With each newer one: they alone are known once the oldest is taken away."""
    was_used: bool = False
    """Whether something was found that had been done under it."""

    @classmethod
    def of(cls, team: Team, text: str, digests: Sequence[str]) -> "IdempotencyKey":
        """The key for what has these digests, the oldest encryption key's first."""
        return cls(team, text, digests[0], tuple(digests[1:]))

    def name(self, step: int = 0) -> str:
        """Where it is remembered in Redis; a write of several scripts has as many steps."""
        digest = hashlib.sha256(f"{self.text}\n{step}".encode()).hexdigest()
        return f"{self.team.prefix}i:{self.team.id}:{digest[:DIGEST_CHARACTERS]}"
