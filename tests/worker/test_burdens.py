"""What an answer may cost a worker at most: its loop has other requests, and its memory other targets."""

import asyncio
import encodings
import gc
import gzip
import itertools
import json
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.worker.context import Context
from services.worker.http.client import Sender
from services.worker.http.exchange import Exchange
from services.worker.http.outgoing import Outgoing
from services.worker.http.response import KEPT_BYTES, Answer
from services.worker.masking import masked
from services.worker.processor import run_of
from services.worker.requests import request_of
from services.worker.work import Execution, Job
from shared.schemas.assertions import BodyContains, BodyMatches, JsonPathEquals
from shared.security.addresses import Policy
from tests import hostile
from tests.conftest import LOOPBACK, MAILER, VAULT
from tests.hostile import HEAD, saying
from tests.poll import best_of_three, in_time, until

LONGEST_SECONDS = 1.0
"""Of the thread, for what takes it some tens of milliseconds here, and many seconds if the work grew by squares."""
UNPACKED_MS = 10_000
"""Of the clock, as another process unpacks: a third of what the request may take."""
LONGEST_TURN_SECONDS = 0.2
"""Of what takes 0.06 s at most here."""
MIB = 1 << 20
NAMES = b"".join(b"%x:\r\n" % number for number in range(35_000))
WORK_URL = "https://a.example/"
WORK = Job("s0", 3, "1", 42, "s:", "1-0", 1, 0, json.dumps({"url": WORK_URL}))


@pytest.fixture
async def sender() -> AsyncIterator[Sender]:
    async with Sender(Policy(LOOPBACK)) as opened:
        yield opened


async def met(sender: Sender, answer: bytes, **headers: str) -> tuple[Outgoing, Exchange]:
    async with hostile.serving(saying(answer)) as address:
        call = Outgoing("POST", f"http://{address}/", headers, None, 30.0)
        return call, await sender.send(call)


async def test_returns_without_line_ends_are_read_in_one_go(sender: Sender) -> None:
    began = time.thread_time()
    _, exchange = await met(sender, HEAD + b"X: a" + b"\r" * 100_000 + b"b\r\nContent-Length: 0\r\n\r\n")

    assert (exchange.response_status, exchange.failure_reason) == (200, None)
    assert time.thread_time() - began < LONGEST_SECONDS


async def test_headers_are_gathered_by_name_in_one_go_and_kept_up_to_a_bound(sender: Sender) -> None:
    _, exchange = await met(sender, HEAD + b"0: w\r\n" + NAMES + b"Content-Length: 0\r\n\r\n")

    began = time.thread_time()
    headers = json.loads(run_of(exchange, WORK, 0, ""))["response_headers"]

    assert time.thread_time() - began < LONGEST_SECONDS
    assert (headers["0"], headers["1"]) == (["w", ""], "")
    assert KEPT_BYTES - 8 < sum(map(len, headers)) + 2 <= KEPT_BYTES


async def test_hundreds_of_secrets_are_masked_in_thousands_of_headers_in_one_go(sender: Sender) -> None:
    cookies = ";".join(f"c=secret/{number:03}" for number in range(600))
    call, exchange = await met(
        sender, HEAD + NAMES + b"X: secret/007\r\nContent-Length: 0\r\n\r\n", Cookie=cookies
    )

    began = time.thread_time()
    headers = masked(exchange, call, WORK, Context(None, sender, VAULT, MAILER)).response_headers  # type: ignore[arg-type]

    assert time.thread_time() - began < LONGEST_SECONDS
    assert headers[-2:] == (("x", "********"), ("content-length", "0"))


@pytest.mark.parametrize("coding", [b"gzip", b"gzip, gzip"])
async def test_tens_of_thousands_of_empty_members_are_unpacked_in_one_go(
    sender: Sender, coding: bytes
) -> None:
    body = gzip.compress(b"") * 50_000
    if coding != b"gzip":
        body = gzip.compress(body)
    head = b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (coding, len(body))
    async with hostile.serving(saying(HEAD + head + body)) as address:
        wanted = BodyContains(type="body_contains", value="x")
        exchange = await sender.send(Outgoing("GET", f"http://{address}/", {}, None, 30.0, (wanted,)))

    assert (exchange.response_status, exchange.response_body) == (200, "")
    assert exchange.duration_ms < UNPACKED_MS


CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PACKED = gzip.compress(gzip.compress(b"") * 50_000)
ANSWERS = {
    "tiny chunks": CHUNKED + b"1\r\na\r\n" * 200_000,
    "folded lines": HEAD + b"X: a\r\n" + b" b\r\n" * 50_000 + b"Content-Length: 0\r\n\r\n",
    "bytes that Windows has not": HEAD + b"Content-Type: a/b; charset=cp1252\r\n\r\n" + b"\x81" * MIB,
    "empty members, packed once more": HEAD
    + b"Content-Encoding: gzip, gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED)
    + PACKED,
    "lists in lists": HEAD + b"\r\n" + b"[" * 150 + b"[]," * (MIB // 3 - 300) + b"1" + b"]" * 150,
    "what a pattern takes long for": HEAD + b"\r\n" + b"ab" * (MIB // 2),
}
WANTED = (
    JsonPathEquals(type="json_path_equals", path="$[0]", value="x"),
    BodyMatches(type="body_matches", value=r"(?s)(a.{900}z|b.{900}z|c.{900}z)$"),
)


@pytest.mark.parametrize("wanted", WANTED, ids=lambda one: one.type)
@pytest.mark.parametrize("answer", ANSWERS)
@best_of_three
async def test_no_answer_stops_the_loop_for_long(
    sender: Sender, answer: str, wanted: JsonPathEquals | BodyMatches
) -> None:
    async with hostile.serving(saying(ANSWERS[answer])) as address, longest_turn() as turns:
        exchange = await sender.send(Outgoing("GET", f"http://{address}/", {}, None, 30.0, (wanted,)))

    assert (exchange.response_status, exchange.failure_reason) == (200, "assertion_failed")
    in_time(max(turns), LONGEST_TURN_SECONDS)


@asynccontextmanager
async def longest_turn() -> AsyncIterator[list[float]]:
    """How long (s of this thread's time) others had the loop between any two turns of ours."""
    turns: list[float] = []

    async def look() -> None:
        last = time.thread_time()
        while True:
            await asyncio.sleep(0.001)  # the turns of others, which are measured
            now = time.thread_time()
            turns.append(now - last)
            last = now

    task = asyncio.create_task(look())
    await asyncio.sleep(0)  # its first turn
    yield turns
    seen = len(turns)
    await until(lambda: _more_than(seen, turns))
    task.cancel()


async def _more_than(count: int, turns: list[float]) -> bool:
    return len(turns) > count


async def test_charsets_that_do_not_exist_are_not_remembered_for_ever(sender: Sender) -> None:
    for number in range(20):
        head = b"Content-Type: text/plain; charset=made-up-%d\r\nContent-Length: 2\r\n\r\nok" % number
        _, exchange = await met(sender, HEAD + head)
        assert exchange.response_body == "ok"

    assert not [name for name in encodings._cache if "made" in name]


async def test_long_specs_secrets_and_redirects_are_not_remembered(sender: Sender) -> None:
    def work(number: int) -> Execution:
        spec = json.dumps({"url": WORK_URL, "payload": f"{number}" * 50_000})
        return Execution("s0", 3, "crons", 42, "s:", "1-0", 1, 0, spec)

    async def meet(number: int) -> None:
        location = b"Location: /%d" % number + b"a" * 50_000
        call, exchange = await met(
            sender, HEAD.replace(b"200", b"302") + location + b"\r\n\r\n", Cookie=f"c={number}" + "/é" * 4000
        )
        masked(exchange, call, work(number), Context(None, sender, VAULT, MAILER))  # type: ignore[arg-type]
        request_of(work(number), VAULT)

    await meet(9)
    tracemalloc.start()
    for number in range(10, 30):
        await meet(number)
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert held < 20 * 25_000


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Connection:\r\n" * 15_000 + b"Keep-Alive: timeout=%d\r\nContent-Length: 0\r\n\r\n",
        HEAD + b"Content-Length: 65536\r\n\r\n%05d" + b"a" * 65531,
    ],
)
async def test_nothing_of_an_answer_stays_with_a_kept_connection(sender: Sender, answer: bytes) -> None:
    numbers = itertools.count(10)

    async def tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await hostile.request(reader)
            writer.write(answer % next(numbers))

    async with hostile.serving(tell) as address:
        call = Outgoing("GET", f"http://{address}/", {}, None, 30.0)
        await sender.send(call)
        tracemalloc.start()
        await asyncio.wait([asyncio.create_task(sender.send(call)) for _ in range(40)])
        gc.collect()
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert held < 40 * 30_000


@pytest.mark.parametrize(
    "behave", [hostile.long_header, hostile.not_http, hostile.silent, hostile.drip_body, hostile.saying()]
)
async def test_a_request_that_failed_leaves_nothing_behind_for_the_collector(
    sender: Sender, behave: hostile.Behaviour
) -> None:
    """It runs rarely in a worker: what waits for it is memory that a hostile target chose."""
    async with hostile.serving(behave) as address:
        call = Outgoing("POST", f"http://{address}/", {}, None, 0.2)
        await sender.send(call)
        gc.collect()
        gc.disable()
        try:
            before = answers()
            for _ in range(3):
                assert (await sender.send(call)).failure_reason is not None
            after = answers()
        finally:
            gc.enable()

    assert after <= before


def answers() -> int:
    return sum(isinstance(one, Answer) for one in gc.get_objects())
