"""Our client and curl before one real server: every method, with and without a body, and across the idle limit."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import ip_network

from services.worker.http.client import Sender
from services.worker.http.outgoing import Outgoing
from shared.security.addresses import Policy
from tests.answers import ours
from tests.answers.curl import curl
from tests.answers.servers.app import ETAG
from tests.answers.servers.programs import IDLE_SECONDS
from tests.answers.verdicts import Verdict

LOOPBACK = Policy((ip_network("127.0.0.0/8"),))
ROUNDS = 3
CURLS_AT_ONCE = 3
SMALL, LARGE = b"hello", b"0123456789" * 6000  # more than 64 KiB of an answer is not kept
AROUND_SECONDS = (-0.1, -0.004, -0.002, -0.001, 0.0, 0.001, 0.002, 0.004, 0.1)
"""How far from the idle limit the next request on a kept connection is, in turn."""


@dataclass(frozen=True, slots=True)
class Case:
    """One request."""

    method: str
    path: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        size = "" if self.body is None else f" with {len(self.body)} bytes"
        return f"{self.method} {self.path}{size}"


ECHOES = [
    Case(method, "/echo", body)
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    for body in (None, b"", SMALL, LARGE)
]
CASES = [
    *ECHOES,
    Case("GET", "/chunked"),
    Case("POST", "/chunked", SMALL),
    *(Case(method, "/empty") for method in ("GET", "POST", "DELETE")),
    Case("GET", "/page.txt"),
    Case("GET", "/page.txt", None, {"Accept-Encoding": "gzip"}),
    Case("POST", "/page.txt", SMALL),
    *(Case(method, "/moved") for method in ("GET", "POST")),
    Case("GET", "/large"),
    Case("GET", "/nowhere"),
]


@dataclass(slots=True)
class Found:
    """Of one server: how many requests were made, and where ours and curl differ."""

    requests: int = 0
    fires: int = 0
    differences: list[str] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)


async def tried(port: int) -> Found:
    """Everything, on connections that are kept."""
    found, url = Found(), f"http://127.0.0.1:{port}"
    cases = [*CASES, Case("GET", "/page.txt", None, {"If-None-Match": await _etag(url)})]
    with ThreadPoolExecutor(CURLS_AT_ONCE) as threads:
        loop = asyncio.get_running_loop()
        wanted = await asyncio.gather(*(loop.run_in_executor(threads, _curled, url, case) for case in cases))
    async with Sender(LOOPBACK) as sender:
        for _ in range(ROUNDS):
            for case, other in zip(cases, wanted, strict=True):
                _compare(case, await _sent(sender, url, case), other, found)
        await _across_the_limit(sender, url, found)
    return found


async def _etag(url: str) -> str:
    """As the server itself makes it."""
    async with Sender(LOOPBACK) as sender:
        answer = await _sent(sender, url, Case("GET", "/page.txt"))
    assert answer.status == 200, answer
    return dict(answer.headers).get("etag", ETAG)


async def _across_the_limit(sender: Sender, url: str, found: Found) -> None:
    """One after the other, when the server is about to close the connection: none may fail."""
    for offset in AROUND_SECONDS:
        for method, body in (("GET", None), ("POST", SMALL)):
            case = Case(method, "/echo", body)
            await asyncio.sleep(IDLE_SECONDS + offset)
            found.fires += 1
            _compare(case, await _sent(sender, url, case), Verdict(200, (body or b"").decode()), found)


def _compare(case: Case, mine: Verdict, other: Verdict, found: Found) -> None:
    found.requests += 1
    found.statuses |= {mine.status or 0}
    if mine.told != other.told:
        found.differences.append(f"{case}: ours {_short(mine)}, curl {_short(other)}")


def _short(verdict: Verdict) -> str:
    return (
        f"{verdict.status} {verdict.refusal}"
        if verdict.refusal
        else f"{verdict.status} {verdict.body[:40]!r}"
    )


async def _sent(sender: Sender, url: str, case: Case) -> Verdict:
    typed = {} if case.body is None else {"Content-Type": "application/octet-stream"}
    call = Outgoing(case.method, f"{url}{case.path}", case.headers | typed, case.body, 5.0)
    return ours.verdict(await sender.send(call))


def _curled(url: str, case: Case) -> Verdict:
    options = ["-X", case.method]
    for name, value in case.headers.items():
        options += ["-H", f"{name}: {value}"]
    if "Accept-Encoding" in case.headers:
        options.append("--compressed")  # else it would not unpack what it asked for
    body = b"" if case.body is None and case.method in ("POST", "PUT", "PATCH") else case.body
    return curl(f"{url}{case.path}", options, body)


def summary(name: str, found: Found | None) -> Sequence[str]:
    """A line, and one more for each kind of difference."""
    if found is None:
        return [f"{name:20} not on this machine"]
    said = f"{found.requests:4} requests, {found.fires} of them at the idle limit, statuses {sorted(found.statuses)}"
    return [
        f"{name:20} {said}, {len(found.differences)} differences",
        *(f"    {line} ({found.differences.count(line)} times)" for line in dict.fromkeys(found.differences)),
    ]
