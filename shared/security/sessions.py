"""Sessions: who is signed in, by a random text of which Redis has the SHA-256 alone."""

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from redis.asyncio import Redis

from shared import clock
from shared.errors import Forbidden, Unauthenticated
from shared.security.caller import ID_DIGITS, SCOPES_OF, Caller
from shared.security.tokens import CACHE_SECONDS, digest_of
from shared.settings import Settings
from shared.store import keyspace, moments, records
from shared.store.gathered import Gathered
from shared.store.keyspace import Team
from shared.store.together import Together
from shared.store.transitions import accounts

DAY_MILLISECONDS = 86_400_000
_CACHE_SIZE = 4096
_AT_ONCE = 100
"""Sessions that are looked up together."""


@dataclass(frozen=True, slots=True)
class Signed:
    """Who is signed in, and in which team that session acts, if the user is in it."""

    session: str
    """The digest."""
    user: int
    email: str
    name: str
    team: Team | None
    role: str = ""

    @property
    def caller(self) -> Caller:
        """As whom the session calls operations; raises Forbidden if it acts in no team."""
        if self.team is None:
            raise Forbidden("You are in no team; make one, or accept an invitation")
        return Caller(
            self.team,
            frozenset((SCOPES_OF[self.role],)),
            self.session[:ID_DIGITS],
            self.email,
            user=self.user,
            session=self.session,
        )


class Sessions:
    """Finds who is signed in, cached for 5 s a process as tokens are: what changes holds from then on."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = Gathered.of(redis)
        self._looked = Together(self._look_up, _AT_ONCE)
        self._idle_ms = settings.session_idle_days * DAY_MILLISECONDS
        self._known: OrderedDict[str, tuple[float, Signed]] = OrderedDict()

    async def signed(self, session: str | None) -> Signed:
        """Whose session it is; raises Unauthenticated if it is none, or has ended."""
        if not session:
            raise Unauthenticated("You are not signed in")
        digest = digest_of(session)
        until, known = self._known.get(digest, (0.0, None))
        if known is not None and until >= time.monotonic():
            return known
        self.forget(digest)
        found = await self._looked.get(digest)
        if found is None:
            raise Unauthenticated("You are not signed in")
        self._known[digest] = (time.monotonic() + CACHE_SECONDS, found)
        if len(self._known) > _CACHE_SIZE:
            self._known.popitem(last=False)
        return found

    def forget(self, digest: str) -> None:
        """Look it up anew, at its next request here: it was changed by this process."""
        self._known.pop(digest, None)

    async def _look_up(self, digests: Sequence[str]) -> list[Signed | None]:
        """Of all whose time is over at once, as those of streams that wait for the same page."""
        now_ms = clock.milliseconds(await moments.now(self._redis, keyspace.SHARDS[0]))
        looks = (
            accounts.find_session(self._redis, session=digest, idle_ms=self._idle_ms, now_ms=now_ms)
            for digest in digests
        )
        rows = await asyncio.gather(*looks)
        return [_signed(digest, row) if row else None for digest, row in zip(digests, rows, strict=True)]


def _signed(digest: str, row: Sequence[str]) -> Signed:
    fields = records.fields_of(row)
    team = None
    if "team" in fields:
        shard = fields["shard"] if fields["shard"] in keyspace.SHARDS else keyspace.SHARDS[0]
        team = Team(int(fields["team"]), shard)
    return Signed(
        session=digest,
        user=int(fields["user"]),
        email=fields["email"],
        name=fields["name"],
        team=team,
        role=fields.get("role", ""),
    )


def new_secret() -> str:
    """256 random bits, for a session or a link."""
    return secrets.token_urlsafe(32)
