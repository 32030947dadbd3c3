"""Connect to Redis, and sort what can go wrong with it."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import hiredis
from redis._parsers.hiredis import NOT_ENOUGH_DATA
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
"""Redis cannot be used right now; only after AnswerLost may the command have been executed."""

PATIENCE_SECONDS = 2.0
UNWAITED_BYTES = 16 * 1024
"""Up to so many bytes to be written nobody waits: the low mark of asyncio's and uvloop's transports."""

_NEVER = float("inf")
_NO_ANSWER = (RedisConnectionError, RedisTimeoutError)
"""Exactly these types while reading an answer; errors of derived types were answers."""
_OUT_OF_SERVICE = ("MISCONF", "NOREPLICAS", "UNBLOCKED", "BUSY ")
"""Answers of a Redis that is there but cannot serve, for which redis-py has no error types."""
_IN_A_SCRIPT = " script: "
"""Part of the error of a script that had begun."""
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
"""Begins an error that a script examined and passed on."""
_WHERE = re.compile(r" script: \w+, on @user_function:\d+\.?$")


class AnswerLost(RedisConnectionError, RedisTimeoutError):
    """A command was sent, at least in part, and no answer came; after others of AWAY nothing was done."""


class OutOfService(RedisConnectionError):
    """Redis is there and answered that it cannot serve: nothing was done."""


class OutcomeUnknown(AnswerLost):
    """The command was a write: it may have been done, or half of it."""


@contextmanager
def begun() -> Iterator[None]:
    """For the rest of a write that has begun: if Redis goes away in this block, a part of it was done."""
    try:
        yield
    except AWAY as error:
        raise OutcomeUnknown(str(error)) from error


def translated(error: Exception) -> Exception:
    """An error in the answers of a pipeline, as a single command would have raised it."""
    if not isinstance(error, ResponseError):
        return error
    text = text_of(error)
    if text.startswith(_OUT_OF_SERVICE):
        return OutOfService(text)
    return Damaged(_WHERE.sub("", text)) if is_of_data(error) else error


def text_of(error: Exception) -> str:
    """The error of Redis without the pipeline's command that led to it, which may contain secrets."""
    text = str(error)
    match = _OF_PIPELINE.match(text)
    return _AGAIN.sub("", match[1] if match else text)


def is_of_data(error: ResponseError) -> bool:
    """Whether the stored data is at fault, not the server: then other records can still be used.

    `damage.lua` tells them apart in the same way.
    """
    text = text_of(error)
    if text.startswith(_OF_DATA):
        return True
    if _IN_A_SCRIPT not in text or isinstance(error, NoPermissionError):
        return False
    return not (_CODE.match(text) or text.startswith(_OF_THE_SERVER))


def had_begun(error: Exception) -> bool:
    """Whether a script ended half-way with this error, so that a part may have been done."""
    return isinstance(error, ResponseError) and _IN_A_SCRIPT in str(error)


class _Connection(AbstractConnection):
    """A connection of the library that needs no task, timer or turn of the event loop for each command."""

    _until = _NEVER
    """By when the answer has to come that is waited for."""
    _timer: asyncio.TimerHandle | None = None
    """One for many waits, nearly all of which are over before it goes off."""

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
        except AnswerLost as error:  # a command of the handshake: no caller's command has been sent
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
        except RuntimeError as error:  # uvloop, of a transport that just ended: nothing is sent
            await self.disconnect(nowait=True)
            raise RedisConnectionError(f"Error while writing to socket: {error}") from error
        except OSError as error:
            await self.disconnect(nowait=True)
            raise AnswerLost(f"Error while writing to socket: {error}") from error
        except BaseException:
            await self.disconnect(nowait=True)  # half a command may have been sent
            raise

    async def _send_packed_command(self, command: Any) -> None:
        """Write it; there is a wait, with a timeout, only where Redis reads too slowly."""
        writer = self._writer
        assert writer is not None
        writer.writelines(command)
        if writer.transport.get_write_buffer_size() <= UNWAITED_BYTES:
            await writer.drain()
            return
        async with asyncio.timeout(self.socket_timeout):
            await writer.drain()

    async def read_response(self, *given: Any, **options: Any) -> Any:
        """The next answer; raises as the library does, with a timer only where it has not come yet."""
        if given or options:
            return await super().read_response(*given, **options)
        try:
            answer = self._parser._reader.gets() if self.is_connected else NOT_ENOUGH_DATA  # type: ignore[attr-defined]
            if answer is NOT_ENOUGH_DATA:
                answer = await self._awaited()
        except TimeoutError:
            await self.disconnect(nowait=True)
            raise RedisTimeoutError("Timeout reading from Redis") from None
        except OSError as error:
            await self.disconnect(nowait=True)
            raise RedisConnectionError(f"Error while reading from Redis: {error}") from error
        except BaseException:
            await self.disconnect(nowait=True)  # the answer may come for somebody else
            raise
        if isinstance(answer, RedisConnectionError):  # it said that it will not serve
            await self.disconnect(nowait=True)
        if isinstance(answer, RedisError):
            raise answer
        return answer

    async def _awaited(self) -> Any:
        """An answer that has yet to come; raises TimeoutError."""
        if self.socket_timeout is not None:
            self._until = asyncio.get_running_loop().time() + self.socket_timeout
            if self._timer is None:
                self._look_at(self._until)
        try:
            return await self._parser.read_response()  # type: ignore[attr-defined]
        finally:
            self._until = _NEVER

    def _look_at(self, moment: float) -> None:
        self._timer = asyncio.get_running_loop().call_at(moment, self._look)

    def _look(self) -> None:
        """End the wait if its time is over, or look again when it will be."""
        self._timer = None
        if asyncio.get_running_loop().time() < self._until < _NEVER:
            self._look_at(self._until)
        elif self._until < _NEVER and self._reader is not None:
            self._reader.set_exception(TimeoutError())

    async def can_read_destructive(self) -> bool:
        """Whether it has unread data that nobody waits for; raises if it is closed, as the loop knows."""
        reader = self._reader
        if reader is None or reader.at_eof() or reader.exception():
            raise RedisConnectionError("Connection closed by server.")
        return bool(reader._buffer) or self._parser._reader.has_data()  # type: ignore[attr-defined]


class _Pool(ConnectionPool):
    """Connects without the pool's lock: else, without a network, callers would wait for each other."""

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

    async def release(self, connection: AbstractConnection) -> None:
        """Without the library's event of it, which is for credentials that change."""
        self._in_use_connections.remove(connection)
        self._available_connections.append(connection)


class Store(Redis):
    """Raises for a Redis that is out of service what it would raise for one that is gone."""

    async def fcall(self, function: str, numkeys: int, *keys_and_args: Any) -> Any:
        pool = self.connection_pool
        connection = await pool.get_connection()
        try:
            await connection.send_packed_command(
                connection.pack_command("FCALL", function, numkeys, *keys_and_args)
            )
            return await self.parse_response(connection, "FCALL")
        finally:
            await pool.release(connection)

    async def parse_response(self, connection: Any, command_name: str | bytes, **options: Any) -> Any:
        try:
            return await super().parse_response(connection, command_name, **options)
        except ResponseError as error:
            raise translated(error) from None
        except InvalidResponse as error:  # it may have been done, but what came back is no valid answer
            raise AnswerLost(f"Redis answered what is no answer: {error}") from error
        except (RedisConnectionError, RedisTimeoutError) as error:
            if type(error) in _NO_ANSWER:
                raise AnswerLost(str(error)) from error
            raise  # Redis answered that it is loading, or has too many clients


async def exchange(redis: Redis, *commands: tuple[Any, ...]) -> list[Any]:
    """Send commands at once; their answers, of which errors of Redis are values.

    As a pipeline does, but with less of the library on the way of a job that waits for the answer.
    """
    pool, answers = redis.connection_pool, []
    link = await pool.get_connection()
    try:
        await link.send_packed_command([hiredis.pack_command(command) for command in commands])
        for _ in commands:
            try:
                answers.append(await link.read_response())
            except ResponseError as error:
                answers.append(error)
    finally:
        await pool.release(link)
    return answers


def connect(settings: Settings, *, blocking_seconds: float = 0.0, **options: Any) -> Redis:
    """A client that times out after 2 s, plus the wait of a blocking read, and repeats no write by itself."""
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
    return Store.from_pool(pool)
