"""Somebody at the pages, signed in or not, and what the functions for them work with."""

import asyncio
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic_core import to_json
from redis.asyncio import Redis

from shared import clock
from shared.errors import TooManyAttempts
from shared.operations import Call
from shared.security.brake import Brake
from shared.security.oidc.provider import Provider
from shared.security.passwords import Passwords
from shared.security.sessions import Sessions, Signed
from shared.security.vault import Vault
from shared.settings import Settings
from shared.store import keyspace, moments
from shared.store.gathered import Gathered
from shared.store.writes import Write

ACCOUNT_BURST, ACCOUNT_A_SECOND = 10, 0.1
"""Wrong passwords for one user that pass without a delay, and how many a second after those."""

_CODE = re.compile(r"[\w-]{43}", re.ASCII)
LETTER_BURST, LETTER_A_SECOND = 3, 1 / 600
"""The same of letters to one address that anybody may ask for."""
FLOW_BURST, FLOW_A_SECOND = 100, 1.0
"""The same of browsers at one address that are sent to the provider, each of which is remembered."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whose request it is, as far as the request says it."""

    address: str
    client: str = ""
    """What its program calls itself."""
    session: str | None = field(default=None, repr=False)
    """What the browser brought; it ends when another is opened."""
    request_id: str = ""

    def write(
        self, operation: str, actor: str, changes: str | None = None, *, signed: Signed | None = None
    ) -> Write:
        """A write of a visitor, for the audit trail; `signed` is who makes it, if somebody is signed in."""
        who = {
            "operation": operation,
            "actor": actor,
            "interface": "web",
            "client": self.client,
            "request_id": self.request_id,
        }
        written = Write(None, to_json(who).decode(), changes)
        return written._replace(session=signed.session, user=signed.user) if signed else written


class Brakes:
    """How many passwords and codes may be tried from one address, and for one user."""

    def __init__(self, elapsed: Callable[[], float] = clock.elapsed) -> None:
        self._addresses = Brake(elapsed)
        self._users = Brake(elapsed, ACCOUNT_BURST, ACCOUNT_A_SECOND)
        self._letters = Brake(elapsed, LETTER_BURST, LETTER_A_SECOND)
        self._flows = Brake(elapsed, FLOW_BURST, FLOW_A_SECOND)

    def take(self, address: str, user: str = "") -> None:
        """Count an attempt; raises TooManyAttempts."""
        wait = self._addresses.wait_seconds(address)
        if not wait and user:
            wait = self._users.wait_seconds(_digest(user))
        if wait:
            raise TooManyAttempts(wait)

    def take_letter(self, address: str, user: str) -> None:
        """Count a letter that somebody wants to be sent; raises TooManyAttempts."""
        wait = self._addresses.wait_seconds(address) or self._letters.wait_seconds(_digest(user))
        if wait:
            raise TooManyAttempts(wait)

    def take_flow(self, address: str) -> None:
        """Count a browser that is sent to the provider; raises TooManyAttempts."""
        if wait := self._flows.wait_seconds(address):
            raise TooManyAttempts(wait)

    def take_link(self, address: str, code: str) -> None:
        """Count a look for a link, unless it is in the form of ours: these cannot be guessed."""
        if not _CODE.fullmatch(code):
            self.take(address)

    def give_back(self, address: str, user: str = "") -> None:
        """It was right."""
        self._addresses.give_back(address)
        if user:
            self._users.give_back(_digest(user))


def _digest(user: str) -> str:
    """What is remembered of a name that anybody may choose, of any length."""
    return hashlib.sha256(user.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class Accounts:
    """What a process has for all its visitors; made once."""

    redis: Redis
    vault: Vault
    settings: Settings
    passwords: Passwords
    sessions: Sessions
    brakes: Brakes
    provider: Provider | None = None
    """By which people sign in, if RECURO_OIDC_ISSUER names one."""
    running: set[asyncio.Task[None]] = field(default_factory=set, compare=False)
    """What goes on after the answer."""

    @classmethod
    def of(cls, redis: Redis, vault: Vault, settings: Settings) -> "Accounts":
        provider = Provider(settings) if settings.oidc_issuer else None
        return cls(
            redis, vault, settings, Passwords(), Sessions(redis, settings), Brakes(), provider=provider
        )

    def reading(self) -> "Accounts":
        """The same for one visit that only looks: what is read at once is one round trip."""
        return replace(self, redis=Gathered.of(self.redis))

    async def now(self) -> datetime:
        """By the clock of the installation."""
        return await moments.now(self.redis, keyspace.SHARDS[0])

    async def now_ms(self) -> int:
        return clock.milliseconds(await self.now())

    def call(self, visitor: Visitor, signed: Signed, operation: str) -> Call:
        """A call of an operation by who is signed in; raises Forbidden if the session acts in no team."""
        return Call(
            signed.caller,
            self.redis,
            self.vault,
            "web",
            operation,
            request_id=visitor.request_id,
            client=visitor.client,
            public_url=self.settings.public_url,
        )

    def write(self, visitor: Visitor, signed: Signed, operation: str, changes: str | None = None) -> Write:
        """A write on the user itself, with a line in the trail of the team in which it acts, if any."""
        if signed.team is None:
            return Write(session=signed.session, user=signed.user)
        return self.call(visitor, signed, operation).write(changes)
