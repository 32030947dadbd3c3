"""What a caller can do: an operation declared once for every interface, and one call of it."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from pydantic import JsonValue
from pydantic_core import to_json
from redis.asyncio import Redis

from shared.errors import Forbidden, RecuroError, Stale
from shared.runtime.waiting.ending import Ending
from shared.runtime.waiting.waits import R, Sought
from shared.schemas.base import Schema
from shared.security.admission import Admission
from shared.security.caller import Caller
from shared.security.limits import Limits
from shared.security.meter import Meter
from shared.security.vault import Vault
from shared.store import makers, transitions
from shared.store.idempotency import IdempotencyKey
from shared.store.keyspace import Team
from shared.store.writes import OneOfMany, Write
from shared.version import VERSION

HttpMethod = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Scope = Literal["read", "write", "admin"]
Interface = Literal["rest", "mcp", "web", "cli"]

_IN_PATH = re.compile(r"\{((\w+?)_(id|key))\}")


@dataclass(slots=True)
class Versions:
    """Of what a call is about: which ones may be changed, and which one is answered."""

    wanted: frozenset[str] | None = None
    """Without them whichever it is may be changed."""
    answered: str | None = None

    def check(self, version: str | None) -> None:
        """Raises Stale if it is another one than those that may be changed."""
        if self.wanted is not None and (version or "") not in self.wanted:
            raise Stale


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation: whose it is, by which interface it came, and what it works with."""

    caller: Caller
    redis: Redis
    vault: Vault
    interface: Interface
    operation: str
    """Its name; of a tool the tool's."""
    request_id: str
    """As answers and log lines have it; empty where no request brought the call."""
    key: IdempotencyKey | None = None
    """The caller's, for a write that is done once however often it is repeated."""
    client: str = ""
    """What the caller's program calls itself."""
    reason: str = ""
    """Why, if the caller said so."""
    versions: Versions = field(default_factory=Versions)
    public_url: str = ""
    """Where the pages are, as answers name it; empty if nobody said."""
    meter: Meter | None = None
    """Of a token whose calls or runs have a limit."""
    ending: Ending | None = None
    """Of an interface that can wait for the end of what the call is about."""
    is_part: bool = False
    """Whether another call does this among others, and leaves the line in the audit trail for all."""
    bulk: int | None = None
    """The change of many in the background that it is."""
    one: OneOfMany | None = None
    """Which one of that a part does."""

    @property
    def team(self) -> Team:
        return self.caller.team

    @property
    def actor(self) -> str:
        """Who did it: the name that the token was given."""
        return self.caller.name

    @property
    def token(self) -> str:
        """The id of the token, as `recuro token list` shows it."""
        return self.caller.token

    @property
    def limits(self) -> Limits | None:
        """What the token may do less than its scopes say."""
        return self.caller.limits

    def may_reach(self, *urls: str | None) -> None:
        """Raise Forbidden if the token may not have one of the URLs called."""
        if self.limits:
            for url in urls:
                if url:
                    self.limits.check_url(url)

    def may_use(self, queue: str) -> None:
        """Raise Forbidden if the token may not use the queue of that name."""
        if self.limits:
            self.limits.check_queue(queue)

    def may_delete(self) -> None:
        """Raise Forbidden if the token may not delete."""
        if self.limits:
            self.limits.check_delete()

    async def wait(self, sought: Sought[R], seconds: int, at: str) -> R | None:
        """A job, by any id of its chain, or an execution, as it is once it has ended or the wait is over.

        `at` is where the caller can ask on. Raises TooManyWaits, and HungUp if the caller is gone.
        """
        if self.ending is None:
            found = await sought.read(self.redis, self.team, sought.owner, [sought.id])
            return next(iter(found), None)
        return await self.ending.wait(sought, seconds, at)

    def has_not_ended(self) -> None:
        """Answer as when the wait was over: what came of it cannot be said."""
        if self.ending:
            self.ending.has_come = False

    async def count_call(self) -> None:
        """Count the call itself; raises TooManyCalls."""
        if self.meter:
            await self.meter.count(calls=1)

    @asynccontextmanager
    async def counting_runs(self, count: int) -> AsyncIterator[None]:
        """Count what is started within; raises TooManyCalls, and then nothing may be done.

        What is refused within is given back. What was done before under the key of the call was counted then.
        """
        meter = self.meter if self.limits and self.limits.counts_runs and count else None
        if meter is None or await transitions.recall(self.redis, self.key) is not None:
            yield
            return
        await meter.count(runs=count)
        try:
            yield
        except RecuroError:
            await meter.give_back(count)
            raise

    def part(self, item: int, name: str | None = None) -> "Call":
        """The same for one of many that it is about; what is done of it under a `name` is done once.

        Runs of all parts were counted before.
        """
        key = None
        if self.key and name:
            key = replace(self.key, text=f"{self.key.text}\n{name}", was_used=False)
        one = OneOfMany(self.bulk, item) if self.bulk else None
        return replace(self, key=key, versions=Versions(), meter=None, is_part=True, one=one)

    def write(self, changes: str | None = None) -> Write:
        """A write of this call, which leaves a line in the audit trail; `changes` are of `actions.audit`."""
        if self.is_part:
            return Write(self.key, maker=self.maker, one=self.one)
        who = _who(
            self.operation,
            self.actor,
            self.interface,
            token=self.token,
            client=self.client,
            request_id=self.request_id,
            reason=self.reason,
        )
        return Write(self.key, who, changes, self.caller.session, self.caller.user, self.maker)

    @property
    def maker(self) -> str | None:
        """Who made what the call makes; a program that calls tools has its name and version in `client`."""
        if self.caller.session is not None:
            return makers.code_of("user", self.caller.user or 0)
        if self.interface == "mcp":
            return makers.code_of("mcp", self.caller.id, self.client.rpartition(" ")[0] or self.client)
        return makers.code_of("token", self.caller.id)


def written_by(operator: str, operation: str, changes: str) -> Write:
    """A write of who runs the installation, at its command line."""
    return Write(None, _who(operation, operator, "cli", client=f"recuro {VERSION}"), changes)


def _who(operation: str, actor: str, interface: Interface, **more: str) -> str:
    """What a line of the audit trail says of who made a write."""
    rest = {name: more.get(name, "") for name in ("client", "request_id", "reason")}
    who = {"operation": operation, "actor": actor, "token": more.get("token", ""), "interface": interface}
    return to_json({**who, **rest}).decode()


class PathId(NamedTuple):
    """An id in a path, `cron_id`, or a key of the caller's own, `cron_key`; `noun`: of what, in errors."""

    name: str
    noun: str
    type: type[int] | type[str]


def _path_id(found: tuple[str, str, str]) -> PathId:
    name, noun, kind = found
    return PathId(name, noun.capitalize(), int if kind == "id" else str)


Prepare = Callable[[Admission, Team, Any, bytes], Any]
"""What a function is given of a body, which comes as its model and as it was written; raises Invalid."""


def admitted(admission: Admission, team: Team, body: Schema, _raw: bytes) -> Schema:
    """The model itself, with URLs judged and secrets sealed."""
    return admission.admit(team, body)


@dataclass(frozen=True, slots=True)
class Operation:
    """What can be called, and all that an interface must know of it.

    `run` is given the call, then the ids of the path in their order, then the query or the body if there is
    one; it returns one of the models of `answers`. A write takes an `Idempotency-Key`.
    """

    name: str
    method: HttpMethod
    path: str
    scope: Scope
    run: Callable[..., Awaitable[Schema]]
    answers: Mapping[int, type[Schema]]
    """By status; where there are several, the model that is returned says which it is."""
    summary: str = field(kw_only=True)
    """What it does, in a few words."""
    takes: type[Schema] | None = None
    example: Mapping[str, JsonValue] | None = None
    """Of what it takes."""
    query: type[Schema] | None = None
    empty: Schema | None = None
    """What no body at all stands for; without it a body is required."""
    is_of_people: bool = False
    """It changes who is in the team: a token with limits may not, for whoever joins has none of them."""
    has_version: bool = False
    """It reads or changes something whose changes are counted: see `Versions`."""
    is_change: bool = False
    """Its body must name a field at least."""
    prepare: Prepare = admitted
    key_parts: Callable[[Any], Iterable[str]] | None = None
    """What else an idempotency key stands for, given what was prepared of the body."""
    first: tuple[str, ...] = ()
    """Fields of the answer that come before the others, for clients of the hosted product."""
    awaits_end: bool = False
    """It may wait until what it answers with has ended: the status is 200 then, and before that 202."""
    location: str = ""
    """Of what goes on after an answer of 202, where that is: `/api/bulk/{id}`."""
    look: str = ""
    """What to GET to see whether a write was done, where its own path cannot be."""
    ids: tuple[PathId, ...] = field(init=False)

    def __post_init__(self) -> None:
        found = _IN_PATH.findall(self.path)
        object.__setattr__(self, "ids", tuple(map(_path_id, found)))

    @property
    def is_write(self) -> bool:
        return self.scope != "read" and self.method != "GET"

    @property
    def takes_version(self) -> bool:
        return self.has_version and self.is_write and self.method != "POST"

    @property
    def may_warn(self) -> bool:
        """Whether an answer may have `warnings`: what was accepted and will not do what was meant."""
        schemas = [model.model_json_schema(mode="serialization") for model in self.answers.values()]
        parts = [part for schema in schemas for part in (schema, *schema.get("$defs", {}).values())]
        return any("warnings" in part.get("properties", ()) for part in parts)

    def check(self, caller: Caller) -> None:
        """Raise Forbidden if no token with limits may do this, and the caller's has some."""
        if self.is_of_people and caller.limits:
            sentence = "A token with limits may not change who is in the team; use one without."
            raise Forbidden(sentence, "people")

    def status_of(self, answered: Schema) -> int:
        """The status that an answer has."""
        if len(self.answers) == 1:
            return next(iter(self.answers))
        return next(status for status, model in self.answers.items() if type(answered) is model)
