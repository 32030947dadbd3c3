"""What is remembered of what callers and targets write is bounded by bytes, whatever they write."""

import gc
import json
import os
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from services.worker import masking, requests
from services.worker.http import heads, outgoing
from services.worker.http.bodies import charset
from services.worker.http.bodies.aside import Aside
from services.worker.http.bodies.checks import Wanted
from services.worker.intake import claims
from shared.basics import memory
from shared.basics.memory import MEBIBYTE, Remembered
from shared.schedule import expressions
from shared.schemas import base
from shared.schemas.assertions import Assertions
from shared.schemas.queues import QueueSettings
from shared.security import destinations, vault
from shared.store import plans
from shared.store.transitions import hosts
from tests.processes import resident_bytes

ROOT = Path(__file__).parents[2]
PATTERNS = TypeAdapter(Assertions)
BY_ENTRIES = {
    "services/worker/http/heads.py: _known_field",  # of lines of 128 characters
    "shared/store/lenient.py: _adapter",  # of the fields of our own models
    "shared/schedule/occurrences.py: _days",  # of fields that `parse` remembers, and at most 31 numbers
    "shared/actions/signatures.py: _parts",  # of secrets that we made
    "shared/security/signing.py: decoded",  # of the same
    "shared/schedule/policy.py: judge",  # 512 of at most 100 fires
    "shared/schedule/coming.py: _steady",  # of names of zones and days
    "shared/schedule/coming.py: _bounds",  # of moments
    "shared/schedule/coming.py: counts_of",  # 128 days of 1,440 numbers
    "services/api/pages/crons/marks.py: bar",  # 8,192 marks, with words of ours
    "services/api/pages/crons/marks.py: _bars",  # of 30 fires
    "services/api/pages/work/sparks.py: _drawn",  # of 24 numbers
}
"""What is remembered by a number of entries, each of which is small whoever writes it."""
_CACHED = re.compile(
    r"^@(?:\w+\.)?lru_cache.*\n(?:@.*\n)*(?:async )?def (\w+)|^(\w+) = lru_cache", re.MULTILINE
)


def test_only_what_is_always_small_is_remembered_by_entries() -> None:
    found = {
        f"{path.relative_to(ROOT)}: {named or plain}"
        for folder in ("services", "shared")
        for path in (ROOT / folder).rglob("*.py")
        for named, plain in _CACHED.findall(path.read_text())
    }

    assert found == BY_ENTRIES


def _settings(number: int) -> str:
    wanted = [{"type": "body_contains", "value": f"{number:04}{place}" + "x" * 2000} for place in range(10)]
    return QueueSettings.model_validate({"success_assertions": wanted}).model_dump_json()


def _asserted(number: int) -> str:
    wanted = [{"type": "body_contains", "value": f"{number:04}{place}" + "x" * 300} for place in range(10)]
    return json.dumps({"success_assertions": wanted})


def _names(number: int) -> tuple[str, ...]:
    return tuple(f"key-{number}-{place}" + "x" * 100 for place in range(64))


def _fields(number: int) -> tuple[tuple[str, str], ...]:
    return tuple(("content-encoding", f"{number},{place}" + "," * 20) for place in range(16))


def _rests(number: int) -> str:
    texts = [
        f"h{place}:80\x1f{1796000000000 + number} {1796000060000 + place} 0 0 0 silent"
        for place in range(100)
    ]
    return "\x1f".join(texts)


HOSTILE: list[tuple[Remembered[Any, Any], Callable[[int], tuple[Any, ...]]]] = [
    (claims._settings_of, lambda number: (_settings(number),)),
    (requests._known_rules_of, lambda number: (_asserted(number),)),
    (charset.charset_of, lambda number: (f"{number}" + "t" * 200,)),
    (outgoing._names, lambda number: (_names(number),)),
    (vault.secret_ones, lambda number: (_names(number),)),
    (masking._known_spellings, lambda number: ((f"{number}" + "<\u00e9/ " * 400,),)),
    (heads.regular_head, lambda number: (b"HTTP/1.1 200 OK\r\nx: %d" % number + b"\r\na:" * 240,)),
    (heads._known_framing.known, lambda number: ((_fields(number), True, True),)),
    (vault.is_secret, lambda number: (f"{number}" + "x" * 120,)),
    (base._check_server, lambda number: (f"https://a{number}.example" + "x" * 2000,)),
    (destinations.origin_of, lambda number: (f"https://a{number}.example/" + "x" * 2000,)),
    (expressions.parse, lambda number: (f"{number % 60},{'1,' * 100}2-59 * * * *",)),
    (hosts._rows, lambda number: (_rests(number),)),
    (plans.plan_of.known, lambda number: (("* " * 120 + str(number), "UTC", number, ENDING),)),
]
ENDING = '{"ends_at":"2030-01-01T00:00:00Z","starts_at":"2029-01-01T00:00:00Z"}'


@pytest.mark.parametrize(
    ("function", "arguments"), HOSTILE, ids=[getattr(row[0].work, "__name__", "") for row in HOSTILE]
)
def test_an_entry_takes_no_more_than_it_is_counted_for(
    function: Remembered[Any, Any], arguments: Callable[[int], tuple[Any, ...]]
) -> None:
    fresh = Remembered(function.work, 1 << 40, per_byte=function.per_byte, per_entry=function.per_entry)
    fresh(*arguments(0))
    gc.collect()
    counted = fresh.bytes
    tracemalloc.start()
    try:
        for number in range(1, 51):
            fresh(*arguments(number))
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(fresh) == 51
    assert taken <= fresh.bytes - counted


def test_it_keeps_what_is_asked_for_within_its_bytes_and_lets_go_of_the_rest() -> None:
    asked: list[str] = []

    def length(text: str) -> int:
        asked.append(text)
        return len(text)

    known = Remembered(length, MEBIBYTE, per_byte=1)
    for number in range(1000):
        assert known("often") == 5
        known(f"{number:04}" + "x" * 10_000)

    assert asked.count("often") == 1
    assert len(known) * 10_000 < MEBIBYTE


def test_what_is_too_large_is_answered_and_not_kept() -> None:
    known = Remembered(len, MEBIBYTE)

    assert known("x" * MEBIBYTE) == MEBIBYTE
    assert len(known) == 0


def test_what_nobody_asked_for_in_a_while_is_forgotten_with_what_comes_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = Remembered(len, MEBIBYTE)
    known("of a cron that was deleted")
    monkeypatch.setattr(memory, "KEPT_SECONDS", 0.0)

    known("another")
    known("and another")

    assert len(known) == 2


def test_what_it_raises_is_raised_each_time() -> None:
    known = Remembered(int, MEBIBYTE)

    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            known("none")

    assert len(known) == 0


async def test_compiled_patterns_take_no_more_than_their_bytes() -> None:
    """They are not Python's memory, so it is the process's that is looked at; each takes some 3 MiB."""
    aside = Aside()
    try:
        await aside.why_not(1, Wanted("body_matches", "x"), b"body", is_whole=True)
        (process,) = aside._all
        before = resident_bytes(process.pid)
        for number in range(30):
            wanted = Wanted("body_matches", rf"\pL{{1,200}}x{number}")
            await aside.why_not(1, wanted, b"body", is_whole=True)

        assert (process,) == tuple(aside._all)
        assert resident_bytes(process.pid) - before < 64 * MEBIBYTE
    finally:
        await aside.close()


def test_patterns_that_are_checked_are_not_remembered() -> None:
    before = resident_bytes(os.getpid())

    for number in range(60):
        PATTERNS.validate_python([{"type": "body_matches", "value": rf"\pL{{1,25}}x{number}"}])

    assert resident_bytes(os.getpid()) - before < 24 * MEBIBYTE


def test_an_error_of_the_work_does_not_carry_its_arguments_into_the_log() -> None:
    def fail(text: str) -> str:
        raise ValueError("it cannot be read")

    with pytest.raises(ValueError, match="cannot be read") as raised:
        Remembered(fail, MEBIBYTE)("a payload")

    assert raised.value.__context__ is None
