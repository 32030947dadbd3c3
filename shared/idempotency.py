"""A caller's key for one write: what was done under it is not done again."""

import hashlib
import re
from dataclasses import dataclass

from shared.keyspace import Team

DIGEST_CHARACTERS = 32
KEY = re.compile(r"[!-~]{1,255}")


@dataclass(slots=True)
class IdempotencyKey:
    """The key as it was given, and a digest of what is asked under it (`Vault.digest`)."""

    team: Team
    text: str
    asked: str
    was_used: bool = False
    """Whether something was found that had been done under it."""

    def name(self, step: int = 0) -> str:
        """Where it is remembered in Redis; a write of several scripts has as many steps."""
        digest = hashlib.sha256(f"{self.text}\n{step}".encode()).hexdigest()
        return f"{self.team.prefix}i:{self.team.id}:{digest[:DIGEST_CHARACTERS]}"
