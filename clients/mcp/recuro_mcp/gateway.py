"""The gateway: one connection a message, and a sentence for whatever goes wrong on the way.

A kept connection may be dead after a restart of the gateway, and whether what was sent on it was done is
unknown; what was not sent yet can be tried again.
"""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar
from urllib.parse import urljoin

from recuro_mcp import wrong
from recuro_mcp.address import Address

TRY_SECONDS, PAUSE_SECONDS = 2.4, 0.1
"""How long to retry a connection: the gateway may be restarting, and a host waits for the answer."""
CONNECT_SECONDS = 2.8
"""How long all attempts to connect may take together."""
READ_SECONDS = 45.0
"""How long to wait for an answer: the TypeScript SDK gives up at 60 s without a reason."""

T = TypeVar("T")


class Refused(Exception):
    """The message has no answer of the gateway; the text is for an agent."""


class Cancelled(Exception):
    """Nobody waits for the answer any more."""


class Exchange:
    """One message on its way, which another thread can end."""

    def __init__(self) -> None:
        self.is_cancelled = self.is_late = False
        self._socket: socket.socket | None = None

    def cancel(self) -> None:
        """The gateway sees the connection end."""
        self.is_cancelled = True
        self._end()

    def give_up(self) -> None:
        self.is_late = True
        self._end()

    def uses(self, connected: socket.socket) -> None:
        self._socket = connected
        if self.is_cancelled:
            raise Cancelled

    def _end(self) -> None:
        try:
            if self._socket:
                socket.socket.shutdown(
                    self._socket, socket.SHUT_RDWR
                )  # not that of TLS, which changes it first
        except OSError:
            pass  # it has ended by itself


class Gateway:
    """Sends messages to one address with one token; safe for threads."""

    def __init__(self, address: Address, token: str) -> None:
        self.address = address
        self._token = token

    @property
    def has_token(self) -> bool:
        """Whether there is one that can stand in a header."""
        return bool(self._token) and self._token.isascii() and self._token.isprintable()

    def post(self, body: bytes, headers: Mapping[str, str], exchange: Exchange) -> bytes:
        """The body of an answer that may be a gateway's.

        Raises Refused with the reason if there is none, and Cancelled.
        """
        connected = self._connect(exchange)
        connection = http.client.HTTPConnection(self.address.host, self.address.port)
        connection.sock = connected
        timer = threading.Timer(
            READ_SECONDS, exchange.give_up
        )  # a socket's timeout begins anew with each byte
        timer.daemon = True
        timer.start()
        try:
            exchange.uses(connected)
            connection.request("POST", self.address.path, body, {**self._headers(), **headers})
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Cancelled if exchange.is_cancelled else Refused(self._lost(error, exchange)) from error
        finally:
            timer.cancel()
            connection.close()
        target = response.headers.get("location")
        kind = (response.headers.get("content-type") or "").partition(";")[0]
        answer = wrong.Answer(response.status, kind, content, target and urljoin(self.address.url, target))
        if sentence := wrong.with_answer(self.address.url, answer):
            raise Refused(sentence)
        return content

    def _headers(self) -> dict[str, str]:
        return {
            "Host": self.address.netloc,
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Connection": "close",
        }

    def _connect(self, exchange: Exchange) -> socket.socket:
        began, told = time.monotonic(), None
        while True:
            left = CONNECT_SECONDS - (time.monotonic() - began)
            try:
                return _within(left, partial(self._dial, left))
            except OSError as error:  # nothing was sent
                if exchange.is_cancelled:
                    raise Cancelled from error
                if not isinstance(error, TimeoutError):  # when our own time is over the reason is not said
                    told = error
                if time.monotonic() - began > TRY_SECONDS or wrong.is_of_tls(error):
                    raise Refused(wrong.without_connection(self.address.url, told or error)) from error
            time.sleep(PAUSE_SECONDS)

    def _dial(self, seconds: float) -> socket.socket:
        connected = socket.create_connection((self.address.host, self.address.port), seconds)
        if self.address.is_tls:
            import ssl  # costs what a bridge to this machine need not pay

            try:
                context = ssl.create_default_context()
                connected = context.wrap_socket(connected, server_hostname=self.address.host)
            except BaseException:
                connected.close()
                raise
        connected.settimeout(None)
        return connected

    def _lost(self, error: Exception, exchange: Exchange) -> str:
        """What went wrong after the request was sent."""
        if exchange.is_late:
            return wrong.without_answer(self.address.url, f"within {READ_SECONDS:.0f} s")
        if isinstance(error, http.client.BadStatusLine) and not isinstance(error, ConnectionError):
            return wrong.without_http(self.address.url)
        return wrong.without_answer(self.address.url, f"({type(error).__name__})")


def _within(seconds: float, work: Callable[[], T]) -> T:
    """The result of `work`, or TimeoutError: of a name that is looked up there is no other end."""
    results: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(max(seconds, PAUSE_SECONDS))
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"no connection after {seconds:.1f} s")
    return results[0]
