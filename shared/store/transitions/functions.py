"""How the functions of the library in Redis are called."""

import os
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, TypeAlias, TypeVar

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.errors import Conflict, Unauthenticated
from shared.store import keyspace
from shared.store.connection import AnswerLost, OutcomeUnknown, OutOfService, had_begun, text_of
from shared.store.idempotency import IdempotencyKey
from shared.store.transitions.library import Library, file_of, whole
from shared.store.writes import OURS, Taken, Write

Argument: TypeAlias = str | int | float
R = TypeVar("R")
_DONE_BEFORE, _OF_ANOTHER = 1, -1
_SIGNED_OUT, _TAKEN = "SIGNEDOUT", "TAKEN"
_ACCOUNTS = keyspace.prefix(keyspace.GLOBAL)
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
SEPARATOR = "\x1f"
"""Between the fields of a row that is one text. No field has it that Recuro has written as it should be."""
RANDOM_BYTES = 12
"""Of each call: 2^48 calls until two are expected to be alike."""

library = Library(whole())


class Function:
    """One of the library, which is loaded when Redis does not know it.

    What it is `given` has the same names in the Lua: what is None or False is not there, and True is 1. The
    `rest` are rows, or ids. Calls of one that is repeatable may carry an idempotency key: what was done under
    it before is not done again, and its answer comes once more.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._flags = file_of(name).flags
        self._only_reads = "no-writes" in self._flags

    @property
    def in_redis(self) -> str:
        """Its name there."""
        return f"{library.name}_{self.name}"

    async def __call__(
        self,
        redis: Redis,
        prefix: str,
        rest: Sequence[Argument] = (),
        *,
        write: Write = OURS,
        step: int = 0,
        **given: Argument | None,
    ) -> Any:
        """Its answer. Its keys are the shard's prefix, and the same with random bits after it.

        The second is none that holds anything: names that must never come again are made from it, also after
        a restore and in a copied installation. `step` counts the calls of one write. Raises OutcomeUnknown
        if a write went out and no answer came, Conflict if its key was used for something else,
        Unauthenticated if its session has ended, and Taken if the one of many does not wait for it.
        """
        arguments = _arguments(given | _made_by(write, prefix), rest)
        return await self.run(redis, prefix, arguments, key=write.key, step=step)

    async def run(
        self,
        redis: Redis,
        prefix: str,
        arguments: Sequence[Argument],
        *,
        key: IdempotencyKey | None = None,
        step: int = 0,
    ) -> Any:
        keys = (prefix, _fresh(prefix))
        if key is None:
            return await self._run(redis, keys, arguments)
        return _first_answer(key, await self._run(redis, (*keys, *_remembered(key, prefix, step)), arguments))

    async def recall(self, redis: Redis, prefix: str, key: IdempotencyKey, step: int) -> Any:
        keys = (prefix, _fresh(prefix), *_remembered(key, prefix, step))
        return _first_answer(key, await self._run(redis, keys, _arguments({}, ())))

    async def _run(self, redis: Redis, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        try:
            try:
                return await redis.fcall(self.in_redis, len(keys), *keys, *arguments)  # type: ignore[arg-type, misc]
            except ResponseError as error:
                if not is_missing(error):
                    raise
            return await self._load_and_run(redis, keys, arguments)
        except AnswerLost as error:
            raise (error if self._only_reads else OutcomeUnknown(str(error))) from error
        except ResponseError as error:
            if text_of(error).startswith(_SIGNED_OUT):
                raise Unauthenticated("You are not signed in") from None
            if text_of(error).startswith(_TAKEN):
                raise Taken from None
            raise (OutcomeUnknown(str(error)) if had_begun(error) else error) from error

    async def _load_and_run(self, redis: Redis, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Where Redis takes no library, for it is full or writes nothing, the call brings the text along."""
        try:
            await library.load(redis)
        except (ResponseError, OutOfService):
            script = library.script(self.name, self._flags)
            return await redis.eval(script, len(keys), *keys, *arguments)  # type: ignore[arg-type, misc]
        return await redis.fcall(self.in_redis, len(keys), *keys, *arguments)  # type: ignore[arg-type, misc]

    def command(
        self, prefix: str, rest: Sequence[Argument] = (), **given: Argument | None
    ) -> tuple[Argument, ...]:
        """For a pipeline: its answer `is_missing` there if Redis does not know the library yet."""
        return self.command_of(prefix, _arguments(given, rest))

    def command_of(self, prefix: str, arguments: Sequence[Argument]) -> tuple[Argument, ...]:
        return "FCALL", self.in_redis, 2, prefix, _fresh(prefix), *arguments


@dataclass(frozen=True, slots=True)
class Read(Generic[R]):
    """One read of the library: by itself, or as a `command` beside others, whose answer `of` takes."""

    function: Function
    prefix: str
    arguments: Sequence[Argument]
    of: Callable[[Any], R]

    @classmethod
    def given(
        cls,
        function: Function,
        of: Callable[[Any], R],
        prefix: str,
        rest: Sequence[Argument],
        **given: Argument | None,
    ) -> "Read[R]":
        return cls(function, prefix, _arguments(given, rest), of)

    @property
    def command(self) -> tuple[Argument, ...]:
        """For an exchange: its answer `is_missing` there if Redis does not know the library yet."""
        return self.function.command_of(self.prefix, self.arguments)

    async def run(self, redis: Redis) -> R:
        return self.of(await self.function.run(redis, self.prefix, self.arguments))


def _made_by(write: Write, prefix: str) -> dict[str, Argument | None]:
    """What Redis is told of who makes it; sessions are known where accounts are, and in no shard."""
    told: dict[str, Argument | None] = {"who": write.who, "changes": write.changes, "maker": write.maker}
    if write.session is not None and prefix == _ACCOUNTS:
        told |= {"by_session": write.session, "by_user_of_session": write.user}
    if write.one is not None:
        told |= {"of_bulk": write.one.bulk, "item": write.one.item}
    return told


def _arguments(given: dict[str, Argument | None], rest: Sequence[Argument]) -> list[Argument]:
    arguments: list[Argument] = [0]
    for name, value in given.items():
        if value is not None and value is not False:
            arguments += (name, 1 if value is True else value)
    arguments[0] = len(arguments) // 2
    arguments += rest
    return arguments


def flat(rows: Iterable[tuple[Any, ...]]) -> list[Argument]:
    """The rows as they are sent: what is None or False is '' there, and True is 1."""
    parts = chain.from_iterable(rows)
    return ["" if part is None or part is False else 1 if part is True else part for part in parts]


def is_missing(answer: object) -> bool:
    """Whether Redis did not know the library, and nothing was done."""
    return isinstance(answer, ResponseError) and text_of(answer) == "Function not found"


_recall = Function("recall")


async def recall(
    redis: Redis, key: IdempotencyKey | None, step: int = 0, *, prefix: str | None = None
) -> Any:
    """What a write answered that was done under the key, or nothing; raises Conflict as the write would.

    Without a prefix it was one in the shard of its team.
    """
    return None if key is None else await _recall.recall(redis, prefix or key.team.prefix, key, step)


def _remembered(key: IdempotencyKey, prefix: str, step: int) -> tuple[str, ...]:
    """Where the key is remembered, and the digests of the request: no keys in Redis, but named like some."""
    return prefix + key.name(step), *(prefix + digest for digest in (key.digest, *key.newer))


def _first_answer(key: IdempotencyKey, found: list[Any]) -> Any:
    """Out of what `once.lua` returns."""
    state, *answer = found
    if state == _OF_ANOTHER:
        raise Conflict("The idempotency key was used for another request; take a new one.")
    key.was_used = key.was_used or state == _DONE_BEFORE
    return answer[0] if answer else None


def _fresh(prefix: str) -> str:
    random = b2a_base64(os.urandom(RANDOM_BYTES), newline=False)
    return prefix + random.translate(_URL_SAFE).decode()
