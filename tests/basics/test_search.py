from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.basics import search
from shared.basics.search import Wrong, understood

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Row:
    url: str = "https://api.example.com/orders/order-paid"
    status: tuple[str, ...] = ("failed", "retrying")
    host: str | None = "api.example.com"
    code: int | None = 503
    took: float | None = 1.5
    made: datetime = datetime(2026, 11, 28, 8, tzinfo=UTC)
    body: Any = field(default_factory=lambda: {"order": {"id": 42, "paid": True, "lines": [{"sku": "A-1"}]}})


KEYS: dict[str, search.Key[Row]] = {
    "status": search.several(lambda row: row.status, choices=("failed", "retrying", "completed")),
    "name": search.part(lambda row: row.url),
    "host": search.word(lambda row: row.host),
    "code": search.number(lambda row: row.code, needs="run"),
    "took": search.seconds(lambda row: row.took, needs="run"),
    "since": search.since(lambda row: row.made),
    "until": search.until(lambda row: row.made),
    "payload.": search.word(lambda row: row.body, needs="payload"),
}


def asked(text: str) -> search.Search[Row]:
    return understood(text, KEYS, lambda row: (row.url,), NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "orders",
        "Paid ORDER",
        '"order-paid"',
        "https://api.example.com/orders",
        "status:failed",
        "status:completed,retrying",
        "STATUS:failed".lower(),
        "host:API.example.com",
        "host:*.example.com,localhost",
        "-host:b.example.com",
        "code:503 took>1s",
        "code>=503 code<=503 code:>500",
        "took<2s took>1499ms",
        "since:2h until:30m",
        "since:2026-11-28T08:00:00Z",
        "since:2026-11-28T09:00:00+01:00",
        "name:orderpaid",
        "name:*/order-*",
        '"orders order"',
        "payload.order.id:42 payload.order.paid:true",
        "payload.order.lines.0.sku:a-*",
        "-status:completed -refunds",
    ],
)
def test_a_row_is_found(text: str) -> None:
    assert asked(text).finds(Row())


@pytest.mark.parametrize(
    "text",
    [
        "refunds",
        "name:order*",
        "orders refunds",
        "-orders",
        "status:completed",
        "-status:retrying",
        "status:failed status:completed",
        "host:example.com",
        "host:api?example.com",
        "code:500",
        "code>503",
        "took>2s",
        "since:30m",
        "until:2h",
        "payload.order.id:43",
        "payload.order.lines.1.sku:*",
        "payload.none.at.all:1",
        '"paid order x"',
    ],
)
def test_a_row_is_not_found(text: str) -> None:
    assert not asked(text).finds(Row())


@pytest.mark.parametrize("text", ["code:503", "-code:503", "took>1s", "host:a"])
def test_what_a_row_has_not_fits_only_what_is_turned_round(text: str) -> None:
    assert asked(text).finds(Row(host=None, code=None, took=None)) == text.startswith("-")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("statsu:failed", "has no key statsu: did you mean status?"),
        ("order:99121", "has no key order"),
        ("qqqqqq:1", "there are status, name, host"),
        ("localhost:x", "goes into quotes"),
        ("status:faild", "failed?"),
        ("status:x", "completed, failed, retrying"),
        ("code:many", "must be a number"),
        ("took:2", "2s, 10m"),
        ("since:monday", "2026-11-28T09:00:00Z"),
        ("status>failed", "no number"),
        ("status:", "has nothing after status:"),
        ('"open', "that nothing closes"),
        (" ".join("x" * 21), "at most 20"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str) -> None:
    with pytest.raises(Wrong, match=said.replace("?", r"\?")):
        asked(text)


@pytest.mark.parametrize(
    "text", ["localhost:8080", "http://localhost:8080/x", "10.0.0.1:80/a", '"a:b"', "-", "<", ":"]
)
def test_addresses_and_quotes_are_words(text: str) -> None:
    assert [term.key for term in asked(text).terms] == [""]


def test_a_search_says_what_it_needs_and_to_what_it_is_bound() -> None:
    wanted = asked("status:failed,retrying -status:completed payload.order.id:1")

    assert (wanted.needs("run"), wanted.needs("payload")) == (False, True)
    assert wanted.only("status") == frozenset({"failed", "retrying"})
    assert wanted.only("host") is None
    assert asked("status:failed status:retrying").only("status") == frozenset()


def test_brackets_and_question_marks_are_themselves() -> None:
    row = Row(host="[2001:db8::1]")

    assert asked('host:"[2001:db8::1]"').finds(row)
    assert not asked('host:"[2]001:db8::1]"').finds(row)
