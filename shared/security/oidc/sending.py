"""Requests to the provider: bounded in time and in size, to where it said and no further."""

import asyncio
import ssl
from collections.abc import Mapping

import httpx
from pydantic_core import from_json

SECONDS = 5.0
"""In all, from the look-up of the name to the last byte."""
MOST_BYTES = 256 * 1024
_OK = 200
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Recuro"}

Json = Mapping[str, object]


class Unanswered(Exception):
    """The provider does not answer, or not as one does: `str` says how, and nothing of what it sent."""


class Sender:
    """Sends from this process, as the proxy and the certificates of the environment say."""

    def __init__(self) -> None:
        self._tls: ssl.SSLContext | None = None

    async def get(self, address: str, token: str = "") -> Json:
        """A document; `token` is what opens it. Raises Unanswered."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        status, said = await self._ask("GET", address, headers)
        if status != _OK:
            raise Unanswered(f"status {status}")
        return said

    async def post(self, address: str, headers: Mapping[str, str], form: str) -> tuple[int, Json]:
        """Send a form; the status and what was answered. Raises Unanswered."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._ask("POST", address, {**headers, **kind}, form)

    async def _ask(
        self, method: str, address: str, headers: Mapping[str, str], form: str | None = None
    ) -> tuple[int, Json]:
        if self._tls is None:
            self._tls = httpx.create_ssl_context()
        try:
            async with (
                asyncio.timeout(SECONDS),
                httpx.AsyncClient(verify=self._tls, timeout=SECONDS, headers=_HEADERS) as client,
                client.stream(method, address, headers=headers, content=form) as response,
            ):
                said = from_json(await _read(response))
        except TimeoutError:
            raise Unanswered(f"nothing within {SECONDS:g} s") from None
        except ValueError:
            raise Unanswered("no JSON") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise Unanswered(type(error).__name__) from None
        if not isinstance(said, dict):
            raise Unanswered("no JSON object")
        return response.status_code, said


async def _read(response: httpx.Response) -> bytes:
    """The body as it came, and never unpacked, which could make it any size."""
    found = bytearray()
    async for part in response.aiter_raw():
        found += part
        if len(found) > MOST_BYTES:
            raise Unanswered(f"more than {MOST_BYTES // 1024} KiB")
    return bytes(found)
