"""Opening Redis, and what it may do when it is in trouble."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import hiredis
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, NoPermissionError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from shared.errors import Damaged
from shared.settings import Settings

AWAY = (RedisError, OSError)
"""Redis cannot be used right now, whatever it says; only with AnswerLost may what was sent have been done."""

PATIENCE_SECONDS = 2.0
UNWAITED_BYTES = 16 * 1024
"""With no more than that to be written nobody waits: the low mark of asyncio's and uvloop's transports."""

_NO_ANSWER = (RedisConnectionError, RedisTimeoutError)
"""Just these, when reading an answer; what is derived from them was answered."""
_OUT_OF_SERVICE = ("MISCONF", "NOREPLICAS", "UNBLOCKED", "BUSY ")
"""Answers of a Redis that is there but cannot serve, for which redis-py has no error of their own."""
_IN_A_SCRIPT = " script: "
"""Stands in what a script ended with that had begun."""
_OF_THE_SERVER = (
    "The user executing the script",
    "Unknown Redis command",
    "This Redis command is not",
    "ACL failure in script",  # this and the following as Valkey says it
    "Unknown command called from script",
    "This Valkey command is not",
)
_OF_DATA = ("WRONGTYPE", "NOGROUP")
_CODE = re.compile(r"[A-Z]{4,} ")
_OF_PIPELINE = re.compile(
    r"Command # \d+ \(.*\) of pipeline caused error: \(?['\"]?(.*?)['\"]?,?\)?$", re.DOTALL
)
_AGAIN = re.compile(r"^(ERR )+")
"""Stands before an error that a script has looked at and passed on."""
_WHERE = re.compile(r" script: \w+, on @user_function:\d+\.?$")


class AnswerLost(RedisConnectionError, RedisTimeoutError):
    """A command went out, or a part of it, and no answer came; any other error of AWAY: nothing was done."""


class OutOfService(RedisConnectionError):
    """Redis is there, and said that it cannot serve: nothing was done."""


class OutcomeUnknown(AnswerLost):
    """That was a write: it may have been done, or half of it."""


@contextmanager
def begun() -> Iterator[None]:
    """Around the rest of a write that has begun: if Redis goes away in here, a part of it was done."""
    try:
        yield
    except AWAY as error:
        raise OutcomeUnknown(str(error)) from error


def translated(error: Exception) -> Exception:
    """What a pipeline answered, as a command of its own would have raised it."""
    if not isinstance(error, ResponseError):
        return error
    text = text_of(error)
    if text.startswith(_OUT_OF_SERVICE):
        return OutOfService(text)
    return Damaged(_WHERE.sub("", text)) if is_of_data(error) else error


def text_of(error: Exception) -> str:
    """What Redis said, without the command of a pipeline that led to it: there may be secrets in that."""
    text = str(error)
    match = _OF_PIPELINE.match(text)
    return _AGAIN.sub("", match[1] if match else text)


def is_of_data(error: ResponseError) -> bool:
    """Whether what is stored is to blame, and not the server: other records can still be used.

    `damage.lua` tells them apart in the same way.
    """
    text = text_of(error)
    if text.startswith(_OF_DATA):
        return True
    if _IN_A_SCRIPT not in text or isinstance(error, NoPermissionError):
        return False
    return not (_CODE.match(text) or text.startswith(_OF_THE_SERVER))


def had_begun(error: Exception) -> bool:
    """Whether a script ended with it in its middle, so that a part may have been done."""
    return isinstance(error, ResponseError) and _IN_A_SCRIPT in str(error)


class _Connection(AbstractConnection):
    """A connection of the library's that makes no task and gives up no turn of the loop for each command."""

    def pack_command(self, *args: Any) -> list[bytes]:
        if args[0] != "FCALL":
            packed: list[bytes] = super().pack_command(*args)
            return packed
        return [hiredis.pack_command(args)]  # a batch of results has a thousand arguments

    async def connect(self) -> None:
        if self.is_connected:
            return
        try:
            await super().connect()  # type: ignore[no-untyped-call]
        except AnswerLost as error:  # one that we greet with: nothing of a caller's has left
            raise RedisConnectionError(str(error)) from error

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        if not self.is_connected:
            await self.connect()
        if self._writer.transport.is_closing():  # type: ignore[union-attr]
            await self.disconnect(nowait=True)
            raise RedisConnectionError("Connection closed before the command was written.")
        try:
            await self._send_packed_command(command)
        except TimeoutError:
            await self.disconnect(nowait=True)
            raise AnswerLost("Timeout writing to socket") from None
        except RuntimeError as error:  # uvloop, of a transport whose end was not told yet: it takes nothing
            await self.disconnect(nowait=True)
            raise RedisConnectionError(f"Error while writing to socket: {error}") from error
        except OSError as error:
            await self.disconnect(nowait=True)
            raise AnswerLost(f"Error while writing to socket: {error}") from error
        except BaseException:
            await self.disconnect(nowait=True)  # half a command may be out
            raise

    async def _send_packed_command(self, command: Any) -> None:
        """Write it; only where Redis takes too little is there anything to wait for, and a timeout to set."""
        writer = self._writer
        assert writer is not None
        writer.writelines(command)
        if writer.transport.get_write_buffer_size() <= UNWAITED_BYTES:
            await writer.drain()
            return
        async with asyncio.timeout(self.socket_timeout):
            await writer.drain()

    async def can_read_destructive(self) -> bool:
        """Whether it holds what nobody asked for; raises if it is closed. The loop has heard of it."""
        reader = self._reader
        if reader is None or reader.at_eof() or reader.exception():
            raise RedisConnectionError("Connection closed by server.")
        return bool(reader._buffer) or self._parser._reader.has_data()  # type: ignore[attr-defined]


class _Pool(ConnectionPool):
    """Connects without holding the pool's lock: in a black hole every caller would wait for all before it."""

    async def get_connection(
        self, command_name: Any = None, *_keys: Any, **_options: Any
    ) -> AbstractConnection:
        connection: AbstractConnection = self.get_available_connection()  # type: ignore[no-untyped-call]
        try:
            await self.ensure_connection(connection)
        except BaseException:
            await self.release(connection)
            raise
        return connection


class _Store(Redis):
    """Says of a Redis that is out of service what it would say of one that is gone."""

    async def parse_response(self, connection: Any, command_name: str | bytes, **options: Any) -> Any:
        try:
            return await super().parse_response(connection, command_name, **options)
        except ResponseError as error:
            raise translated(error) from None
        except InvalidResponse as error:  # it may have been done, and what came back is no answer
            raise AnswerLost(f"Redis answered what is no answer: {error}") from error
        except (RedisConnectionError, RedisTimeoutError) as error:
            if type(error) in _NO_ANSWER:
                raise AnswerLost(str(error)) from error
            raise  # Redis answered that it is loading, or has no more room for clients


def connect(settings: Settings, *, blocking_seconds: float = 0.0, **options: Any) -> Redis:
    """A client that gives up after 2 s, plus what a blocking read waits, and repeats no write by itself."""
    pool = _Pool.from_url(
        settings.redis_url,
        decode_responses=True,
        encoding_errors="replace",
        socket_timeout=PATIENCE_SECONDS + blocking_seconds,
        socket_connect_timeout=PATIENCE_SECONDS,
        retry=Retry(NoBackoff(), 0),
        retry_on_timeout=False,
        **options,
    )
    kind = pool.connection_class
    pool.connection_class = type(kind.__name__, (_Connection, kind), {})
    return _Store.from_pool(pool)
